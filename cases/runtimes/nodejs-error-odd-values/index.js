const odd = {
  text: 'just text',
  number: 42,
  object: { a: 1 },
  null: null,
  lookalike: { name: 'Looks', message: 'like an error', stack: 'Looks: like an error\n    at nowhere' },
  symbol: Symbol('s'),
  bare: Object.create(null),
};
exports.handler = async (kind) => {
  throw odd[kind];
};
