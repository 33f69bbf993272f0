import { readFile } from 'node:fs/promises';
import { greet } from './lib/greet.mjs';

const self = await readFile(new URL(import.meta.url), 'utf8');
export const handler = async (name) => greet(name) + (self.length > 0);
