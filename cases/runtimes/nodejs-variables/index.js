const { execFileSync } = require('node:child_process');

const atInit = { ...process.env };
const inChild = () => execFileSync('/bin/sh', ['-c', 'echo $TABLE:$_HANDLER:$_X_AMZN_TRACE_ID']).toString().trim();

exports.handler = async () => ({
  names: Object.keys(process.env).filter((name) => name !== '_X_AMZN_TRACE_ID').sort().join(' '),
  table: atInit.TABLE,
  handler: process.env._HANDLER,
  execution: process.env.AWS_EXECUTION_ENV.replace(/\d+/, 'N'),
  trace: process.env._X_AMZN_TRACE_ID ?? null,
  noon: new Date(2026, 0, 1, 12).toISOString(),
  folder: process.cwd(),
  child: inChild(),
});
