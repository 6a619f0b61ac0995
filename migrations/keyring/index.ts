import { Keyring1763856000000 } from './1763856000000-keyring.js';

export const keyringMigrations = [Keyring1763856000000];
