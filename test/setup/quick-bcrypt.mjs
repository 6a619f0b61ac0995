// bcrypt as the services of the tests get it (jest.config.js): at its least cost, since nobody attacks them, and most tests
// make accounts before they come to their point. Tests that open no world get bcrypt as it is.
import bcrypt from '../../node_modules/bcrypt/bcrypt.js';

const least = 4;

const hash = (password, saltOrCost) =>
  bcrypt.hash(password, globalThis.hashesAreQuick ? cheap(saltOrCost) : saltOrCost);

function cheap(saltOrCost) {
  return typeof saltOrCost === 'number' ? least : saltOrCost.replace(/^\$2b\$\d\d\$/, `$2b$0${least}$`);
}

export default { ...bcrypt, hash };
