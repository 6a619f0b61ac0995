import { runCommand } from './command.js';
import { showOutbox } from './waiting-mails.js';

await runCommand(showOutbox);
