import { createRequire } from 'node:module';
import bcrypt from 'bcrypt';
import { TestEnvironment } from 'jest-environment-node';
import { ofWorker } from './of-worker.mjs';

const leastCost = 4;

// Nobody attacks the services of the tests, and most tests make accounts before they come to their point.
const { hash } = bcrypt;
bcrypt.hash = (password, saltOrCost) =>
  hash(
    password,
    typeof saltOrCost === 'number' ? leastCost : saltOrCost.replace(/^\$2b\$\d\d\$/, `$2b$0${leastCost}$`),
  );

/**
 * Gives tests the built service, which Node itself loads once for all files of a worker: Jest would load its three thousand
 * modules anew for each file. The modules are linked by built-module.mjs.
 */
export default class ServiceEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    this.global.requireOutside = createRequire(import.meta.url);
    this.global.ofWorker = ofWorker;
    // What decorators have said of the service's classes is asked for by tests too.
    this.global.Reflect = Reflect;
    // What Node has loaded gives its own dates, such as those of rows, and tests ask if they are dates.
    this.global.Date = Date;
  }

  async teardown() {
    // A service whose data another has taken over sets it, for the process that it usually is.
    process.exitCode = undefined;
    await super.teardown();
  }
}
