import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { Contact } from './contact.entity.js';
import { ContactsController } from './contacts.controller.js';
import { Contacts } from './contacts.service.js';
import { Directory } from './directory.js';

@Module({
  imports: [TypeOrmModule.forFeature([Contact]), InterlocutorsModule],
  controllers: [ContactsController],
  providers: [Contacts, Directory],
  exports: [Contacts, Directory],
})
export class AddressBookModule {}
