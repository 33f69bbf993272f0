exports.api = { users: { get: async () => 'got' } };
