/** One of several processes that send as fast as they can: tries until it is refused so often in a row, and tells how many were allowed. */
import process from 'node:process';
import { MessageAllowance } from '../../dist/accounts/message-allowance.js';
import { connectRedis, disconnectRedis, untilReady } from '../../dist/store/connect-redis.js';

const [url, perHour, tries] = process.argv.slice(2);
const IN_FLIGHT = 20;

const redis = connectRedis(url, 'answering');
await untilReady(redis, 10_000);
const allowance = new MessageAllowance(redis);
const sender = {
  account: 'shop',
  stream: 'default',
  limits: { messages: { perHour: Number(perHour), perDay: Number(perHour) * 2 } },
  credential: { id: 'key', limits: { perHour: Number(perHour) } },
};
let allowed = 0;
let tried = 0;
async function hammer() {
  while (tried++ < Number(tries)) {
    const decision = await allowance.reserve(sender, Date.now());
    if (decision.kind !== 'allowed') continue;
    allowed++;
    // Some are not kept in the end: their place goes to another.
    if (allowed % 10 === 0) {
      await allowance.refund(decision.reservation);
      allowed--;
    }
  }
}
// All begin at once.
process.once('message', async () => {
  await Promise.all(Array.from({ length: IN_FLIGHT }, hammer));
  process.send({ allowed });
  await disconnectRedis(redis);
  process.disconnect();
});
process.send('ready');
