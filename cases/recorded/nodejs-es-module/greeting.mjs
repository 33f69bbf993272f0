import { format } from 'node:util';

export const handler = async (event) => ({
  statusCode: 200,
  body: JSON.stringify(format('the function got %s', JSON.stringify(event))),
});
