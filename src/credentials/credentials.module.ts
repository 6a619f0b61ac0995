import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { AccountToken } from './account-token.entity.js';
import { AccountTokens } from './account-tokens.service.js';
import { Addresses } from './addresses.service.js';
import { CredentialsController } from './credentials.controller.js';
import { Credentials } from './credentials.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([AccountToken]),
    AddressBookModule,
    AuthModule,
    InterlocutorsModule,
    SubscribersModule,
  ],
  controllers: [CredentialsController],
  providers: [AccountTokens, Addresses, Credentials],
  exports: [Credentials],
})
export class CredentialsModule {}
