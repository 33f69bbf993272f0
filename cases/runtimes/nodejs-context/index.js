exports.handler = async (event, context) => {
  const remaining = context.getRemainingTimeInMillis();
  return { ...context, remaining: remaining > 50_000 && remaining <= 60_000, memory: typeof context.memoryLimitInMB };
};
