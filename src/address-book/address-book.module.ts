import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { AccountHolders } from '../auth/account-holders.service.js';
import { AuthModule } from '../auth/auth.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { AddressHashing } from './address-hashing.service.js';
import { Contact } from './contact.entity.js';
import { ContactsController } from './contacts.controller.js';
import { Contacts } from './contacts.service.js';
import { Directory } from './directory.js';

@Module({
  imports: [TypeOrmModule.forFeature([Contact]), ActionsModule, AuthModule, InterlocutorsModule],
  controllers: [ContactsController],
  providers: [AddressHashing, Contacts, Directory],
  exports: [Contacts, Directory],
})
export class AddressBookModule {
  constructor(contacts: Contacts, holders: AccountHolders) {
    holders.onConfirmation('interlocutor', async (manager, { id }) => {
      const verified = await contacts.setEmailVerified(manager, id, true);
      return () => contacts.tellOf(verified);
    });
  }
}
