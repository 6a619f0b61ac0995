import { expect, test } from '@jest/globals';
import type { AddressHashes } from '../platform/vault/address-hashes.js';
import { AccountHolders } from './account-holders.service.js';
import type { Accounts } from './accounts.service.js';

test('the service does not start with a kind of account that no slice holds', () => {
  const holders = new AccountHolders({} as Accounts, {} as AddressHashes);
  const keyOf = () => Promise.resolve({ scope: 'subscriber', id: '1' } as const);
  const kind = { select: 'SELECT id, role FROM member', keyOf, stated: () => Promise.resolve(undefined) };
  holders.register('member', kind);
  expect(() => holders.onModuleInit()).toThrow('no slice holds accounts of the kind interlocutor');
  holders.register('interlocutor', { ...kind, select: 'SELECT id, NULL FROM interlocutor' });
  expect(() => holders.onModuleInit()).not.toThrow();
  expect(holders.select()).toBe('SELECT id, role FROM member UNION ALL SELECT id, NULL FROM interlocutor');
});
