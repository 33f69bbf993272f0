export const handler = async (event) => {
  const name = event.queryStringParameters?.name ?? event.name ?? "world";
  console.log("greeting", name);
  return {
    statusCode: 200,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ message: `Hello, ${name}!` }),
  };
};
