import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { AddressHashing } from './address-hashing.service.js';
import { Contact } from './contact.entity.js';
import { ContactsController } from './contacts.controller.js';
import { Contacts } from './contacts.service.js';
import { Directory } from './directory.js';

@Module({
  imports: [TypeOrmModule.forFeature([Contact]), ActionsModule, InterlocutorsModule],
  controllers: [ContactsController],
  providers: [AddressHashing, Contacts, Directory],
  exports: [Contacts, Directory],
})
export class AddressBookModule {}
