import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Account } from './account.entity.js';
import { Accounts } from './accounts.service.js';
import { Downloads } from './downloads.js';
import { SessionCookies } from './session-cookies.js';
import { Session } from './session.entity.js';
import { SessionGuard } from './session.guard.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.service.js';
import { SocketDoorkeeper } from './socket-doorkeeper.js';

@Module({
  imports: [TypeOrmModule.forFeature([Account, Session])],
  controllers: [SessionsController],
  providers: [
    Accounts,
    Downloads,
    Sessions,
    SessionCookies,
    SocketDoorkeeper,
    { provide: APP_GUARD, useClass: SessionGuard },
  ],
  exports: [Accounts, Downloads, Sessions, SessionCookies, SocketDoorkeeper],
})
export class AuthModule {}
