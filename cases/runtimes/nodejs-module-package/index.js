export const handler = async () => ({ module: import.meta.url, main: typeof require });
