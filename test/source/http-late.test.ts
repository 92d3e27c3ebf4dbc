// What a signer or a fetch of the user's answers when the request has been given up.
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HttpClient } from '../../src/source/http-client.js'
import { codeOf } from '../helpers/store-contract.js'

const test = suite('answers that come too late')

test('what is signed too late is not sent', async () => {
  let sent = 0
  let signed: Promise<void> = Promise.resolve()
  const client = new HttpClient({
    ...{ timeout: 50, retries: 0 },
    fetch: async () => {
      sent++
      return new Response('')
    },
    prepare: async ({ url, method }) => {
      signed = sleep(150)
      await signed
      // Without the signal of the one that was given.
      return new Request(url, { method })
    },
  })
  assert.is(await codeOf(() => client.send('PUT', 'http://files.test/x', { body: 'abc' })), 'ETIMEDOUT')
  await signed
  await sleep(10)
  assert.is(sent, 0)
})

test('the body of an answer that nobody waits for is given back', async () => {
  let cancelled = (): void => {}
  const given = new Promise<void>(resolve => (cancelled = resolve))
  const body = new ReadableStream({ pull: controller => controller.enqueue(new Uint8Array(10)), cancel: cancelled })
  const client = new HttpClient({ timeout: 50, retries: 0, fetch: () => sleep(150, new Response(body)) })
  assert.is(await codeOf(() => client.send('GET', 'http://files.test/x')), 'ETIMEDOUT')
  assert.is(await Promise.race([given.then(() => 'cancelled'), sleep(5000, 'never', { ref: false })]), 'cancelled')
})

test.run()
