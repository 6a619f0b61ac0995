import { describe } from '@jest/globals';
import { chance, endsOfPostgres, endsOfTheService, survive } from '../crash/misfortunes.js';

/**
 * Promise 3: killing the service or the database at any moment loses no acknowledged message and doubles none. Here it is
 * killed in one way of each kind, by chance; crash.long.ts takes all of them.
 */

describe('everything acknowledged is stored once, and on every device, after', () => {
  survive([chance.among(endsOfTheService), chance.among(endsOfPostgres)]);
});
