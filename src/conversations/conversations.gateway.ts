import { UseFilters } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Principal } from '../auth/principal.js';
import { ProblemFilter } from '../platform/problems/problem.filter.js';
import type { DeviceSocket } from '../platform/realtime/realtime.js';
import { SendMessage, SendReceipt, SentMessage } from './conversations.dto.js';
import { Messages } from './messages.service.js';
import { Receipts } from './receipts.service.js';

@WebSocketGateway()
@UseFilters(ProblemFilter)
export class ConversationsGateway {
  constructor(
    private readonly messages: Messages,
    private readonly receipts: Receipts,
  ) {}

  @SubscribeMessage('message.send')
  async send(
    @ConnectedSocket() socket: DeviceSocket,
    @MessageBody() { conversationId, ...content }: SendMessage,
  ): Promise<SentMessage> {
    const { seq, sentAt } = await this.messages.send(socket.data.principal as Principal, conversationId, content);
    return { seq, sentAt };
  }

  @SubscribeMessage('receipt.send')
  async receipt(
    @ConnectedSocket() socket: DeviceSocket,
    @MessageBody() { conversationId, ...receipt }: SendReceipt,
  ): Promise<Record<string, never>> {
    await this.receipts.send(socket.data.principal as Principal, conversationId, receipt);
    return {};
  }
}
