const { execFileSync } = require('node:child_process');

// A child process must not inherit the control socket.
exports.handler = async () => execFileSync('/bin/sh', ['-c', 'test -e /proc/self/fd/3 && echo there || echo gone']).toString();
