import { describe } from '@jest/globals';
import { endsOfPostgres, endsOfTheService, survive } from '../crash/misfortunes.js';

/** Promise 3: killing the service or the database at any moment loses no acknowledged message and doubles none. */

describe('what was acknowledged is there once, and every device holds it, after', () => {
  survive([...endsOfTheService, ...endsOfPostgres]);
});
