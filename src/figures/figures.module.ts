import { Module } from '@nestjs/common';
import { PoliciesModule } from '../policies/policies.module.js';
import { FiguresController } from './figures.controller.js';
import { Figures } from './figures.service.js';

@Module({
  imports: [PoliciesModule],
  controllers: [FiguresController],
  providers: [Figures],
})
export class FiguresModule {}
