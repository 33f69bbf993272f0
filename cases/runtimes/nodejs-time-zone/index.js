exports.handler = async () => [new Date(2026, 0, 1, 12).getUTCHours(), Intl.DateTimeFormat().resolvedOptions().timeZone];
