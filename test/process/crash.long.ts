import { describe } from '@jest/globals';
import { endsOfPostgres, endsOfTheService, survive } from '../crash/misfortunes.js';

/** Promise 3: killing the service or the database at any moment loses no acknowledged message and doubles none. */

describe('everything acknowledged is stored once, and on every device, after', () => {
  survive([...endsOfTheService, ...endsOfPostgres]);
});
