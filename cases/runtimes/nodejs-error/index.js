class Refused extends Error {
  name = 'Refused';
  code = 'E_REFUSED';
}

function refuse() {
  throw new Refused('not today');
}

exports.handler = async (how) => {
  if (how === 'type') {
    return undefined.property;
  }
  refuse();
};
