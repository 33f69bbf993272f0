// What ordinary programs do, to see that nothing of it is forbidden. Prints `done` at the end.
import assert from 'node:assert';
import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Worker, isMainThread } from 'node:worker_threads';
import zlib from 'node:zlib';
import crypto from 'node:crypto';
import dns from 'node:dns/promises';

// Whether it runs in a system of its own.
const walled = process.argv[1].startsWith('/var/runtime');

assert(isMainThread);
assert.equal(execFileSync('/bin/sh', ['-c', 'echo $((1+1))']).toString(), '2\n');
assert.equal((await once(spawn('/bin/true'), 'exit'))[0], 0);
const child = fork('-e', ["process.send('hello'); process.disconnect()"], { execPath: process.execPath, execArgv: ['-e', "process.send('hello'); process.disconnect()"] });
assert.equal((await once(child, 'message'))[0], 'hello');

const worker = new Worker("require('worker_threads').parentPort.postMessage(6 * 7)", { eval: true });
assert.equal((await once(worker, 'message'))[0], 42);

const server = http.createServer((request, response) => response.end('hello')).listen(0, '127.0.0.1');
await once(server, 'listening');
const answer = await fetch(`http://127.0.0.1:${server.address().port}/`);
assert.equal(await answer.text(), 'hello');
server.close();
server.closeAllConnections();

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'everyday-'));
const file = path.join(directory, 'file');
fs.writeFileSync(file, zlib.gzipSync('content'));
assert.equal(zlib.gunzipSync(await fs.promises.readFile(file)).toString(), 'content');
const watcher = fs.watch(directory);
fs.writeFileSync(path.join(directory, 'other'), '');
await once(watcher, 'change');
watcher.close();
fs.rmSync(directory, { recursive: true });

if (walled) {
  assert.equal(os.hostname(), 'sandbox');
  assert.equal(os.userInfo().username, 'sbx_user1051');
  await assert.rejects(dns.lookup('example.com'));
}
assert(os.cpus().length > 0 && os.totalmem() > 0);
// The machine's own name service, without walls, may put ::1 first.
assert.equal((await dns.lookup('localhost', { family: 4 })).address, '127.0.0.1');
await new Promise((resolve) => crypto.pbkdf2('a', 'b', 1000, 32, 'sha256', resolve));
console.log('done');
