Promise.reject('no reason');
exports.handler = async () => 'never';
