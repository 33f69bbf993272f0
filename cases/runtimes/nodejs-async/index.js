let count = 0;
exports.handler = async (event) => ({ event, count: ++count });
