import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccountHolders } from './account-holders.service.js';
import { AccountToken } from './account-token.entity.js';
import { AccountTokens } from './account-tokens.service.js';
import { Account } from './account.entity.js';
import { Accounts } from './accounts.service.js';
import { CredentialsController } from './credentials.controller.js';
import { Credentials } from './credentials.service.js';
import { Downloads } from './downloads.js';
import { SessionCookies } from './session-cookies.js';
import { Session } from './session.entity.js';
import { SessionGuard } from './session.guard.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.service.js';
import { SocketDoorkeeper } from './socket-doorkeeper.js';

@Module({
  imports: [TypeOrmModule.forFeature([Account, AccountToken, Session])],
  controllers: [SessionsController, CredentialsController],
  providers: [
    AccountHolders,
    Accounts,
    AccountTokens,
    Credentials,
    Downloads,
    Sessions,
    SessionCookies,
    SocketDoorkeeper,
    { provide: APP_GUARD, useClass: SessionGuard },
  ],
  exports: [AccountHolders, Accounts, Credentials, Downloads, Sessions, SessionCookies, SocketDoorkeeper],
})
export class AuthModule {}
