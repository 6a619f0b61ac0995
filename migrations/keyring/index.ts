import { Keyring1763856000000 } from './1763856000000-keyring.js';
import { Erasures1763880000000 } from './1763880000000-erasures.js';
import { Exports1763881000000 } from './1763881000000-exports.js';
import { Leaving1763882000000 } from './1763882000000-leaving.js';

export const keyringMigrations = [
  Keyring1763856000000,
  Erasures1763880000000,
  Exports1763881000000,
  Leaving1763882000000,
];
