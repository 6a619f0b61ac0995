import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import type { Forget } from '../platform/forgetting/holdings.js';
import { Outbox } from '../platform/mail/outbox.js';
import { AccountHolders } from './account-holders.service.js';
import { AccountToken } from './account-token.entity.js';
import { AccountTokens } from './account-tokens.service.js';
import { Account } from './account.entity.js';
import { Accounts } from './accounts.service.js';
import { CarryCode } from './carry-code.entity.js';
import { CredentialsController } from './credentials.controller.js';
import { Credentials } from './credentials.service.js';
import { Downloads } from './downloads.js';
import { KnownDevices } from './known-devices.service.js';
import { SessionCookies } from './session-cookies.js';
import { Session } from './session.entity.js';
import { SessionGuard } from './session.guard.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.service.js';
import { SocketDoorkeeper } from './socket-doorkeeper.js';

@Module({
  imports: [TypeOrmModule.forFeature([Account, AccountToken, CarryCode, Session])],
  controllers: [SessionsController, CredentialsController],
  providers: [
    AccountHolders,
    Accounts,
    AccountTokens,
    Credentials,
    Downloads,
    KnownDevices,
    Sessions,
    SessionCookies,
    SocketDoorkeeper,
    { provide: APP_GUARD, useClass: SessionGuard },
  ],
  exports: [AccountHolders, Accounts, Credentials, Downloads, Sessions, SessionCookies, SocketDoorkeeper],
})
export class AuthModule {
  constructor(forgetting: Forgetting, outbox: Outbox, sessions: Sessions) {
    // With the last session gone nobody is told of what goes on.
    outbox.onlyIf('activity', async ({ about }) => about !== null && (await sessions.anyOf(about)));
    const [interlocutor, subscriber] = [ofAccounts('id'), 'subscriber_id'];
    forgetting.register(
      { table: 'account', kind: 'accounts', interlocutor, subscriber },
      {
        table: 'session',
        kind: 'sessions',
        interlocutor: ofAccounts('account_id', 'session'),
        subscriber: ofMembers('session'),
      },
      {
        table: 'account_token',
        interlocutor: ofAccounts('account_id', 'account_token'),
        subscriber: ofMembers('account_token'),
      },
      {
        table: 'carry_code',
        interlocutor: ofAccounts('account_id', 'carry_code'),
        subscriber: ofMembers('carry_code'),
      },
      {
        table: 'known_device',
        interlocutor: ofAccounts('account_id', 'known_device'),
        subscriber: ofMembers('known_device'),
      },
    );
  }
}

const kinds = {
  account: 'accounts',
  session: 'sessions',
  account_token: undefined,
  carry_code: undefined,
  known_device: undefined,
} as const;

/** Rows of the interlocutors' accounts, which are few for each. */
function ofAccounts(column: string, table: keyof typeof kinds = 'account'): Forget {
  const kind = kinds[table];
  return async (manager, { accountIds = [] }) => {
    const statement = `DELETE FROM ${table} WHERE ${column} = ANY ($1::uuid[])`;
    const [, deleted] = await manager.query<[unknown[], number]>(statement, [accountIds]);
    return { counts: kind ? { [kind]: deleted } : {}, more: false };
  };
}

/** The same of the accounts of subscribers' members. */
function ofMembers(table: Exclude<keyof typeof kinds, 'account'>): Forget {
  const kind = kinds[table];
  return async (manager, { ids }) => {
    const [, deleted] = await manager.query<[unknown[], number]>(
      `DELETE FROM ${table} WHERE account_id IN (SELECT id FROM account WHERE subscriber_id = ANY ($1::uuid[]))`,
      [ids],
    );
    return { counts: kind ? { [kind]: deleted } : {}, more: false };
  };
}
