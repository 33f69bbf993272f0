export const handler = async (event, context) => {
  const name = event.name ?? "world";
  console.log(`Greeting ${name}`);
  return { message: `Hello, ${name}, from Node.js ${process.versions.node}`, requestId: context.awsRequestId };
};
