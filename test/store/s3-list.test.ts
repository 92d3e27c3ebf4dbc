// S3Store: lists, those of a server that lies too, and the XML that they come in.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { S3Store } from '../../src/store/s3.js'
import { escapeXml, parseXml } from '../../src/store/s3-xml.js'
import { type S3Server, startS3 } from '../helpers/s3-server.js'
import { codeOf } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'

function storeOn(server: S3Server, prefix = 'p', pageSize?: number): S3Store {
  const { endpoint, region, accessKeyId, secretAccessKey } = server
  return new S3Store({
    ...{ endpoint, region, accessKeyId, secretAccessKey },
    bucket: 'bucket',
    prefix,
    pageSize,
    retries: 0,
  })
}

async function namesOf(store: S3Store): Promise<string[]> {
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  return names.sort()
}

const page = (rest: string, keys: readonly string[] = [], size = '3'): string =>
  `<ListBucketResult>${rest}${keys.map(key => `<Contents><Key>${key}</Key><Size>${size}</Size></Contents>`).join('')}</ListBucketResult>`
const LAST = '<IsTruncated>false</IsTruncated>'
const more = (token: string) => `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`

const lists = suite('S3Store, lists')

lists('pages are asked for one after the other, and hold what lies below the prefix', async () => {
  const server = await startS3()
  const put = (key: string) =>
    server.objects.set(key, { data: Buffer.from(noise(5)), etag: '"e"', modified: new Date(0) })
  const names = ['a', 'b b', 'c+c', 'd&<d>', 'e/é', 'f%2F', 'g\u0001', 'h/i/j', 'k']
  for (const name of names) put(`p/${name}`)
  for (const key of ['p/dir/', 'p/x//y', 'p/x/../y', 'p/./x', 'pp/a', 'p', 'q']) put(key)
  assert.equal(await namesOf(storeOn(server)), names)
  server.calls.length = 0
  assert.equal(await namesOf(storeOn(server, 'p', 2)), names)
  assert.is(server.calls.length, 7)
  assert.ok((await namesOf(storeOn(server, ''))).includes('pp/a'))
  assert.equal(await namesOf(storeOn(server, 'none')), [])
  const entries = []
  for await (const entry of storeOn(server).entries()) entries.push(entry)
  assert.equal(entries[0], { name: 'a', size: 5, modified: 0 })
  server.calls.length = 0
  for await (const name of storeOn(server, 'p', 2).list()) if (name === 'a') break
  assert.is(server.calls.length, 1, 'what nobody wants is not asked for')
  server.close()
})

lists('what a server says is not believed', async () => {
  const server = await startS3()
  let body = ''
  server.mishap = () => ({ status: 200, body })
  for (const [given, names] of [
    [page(LAST, ['p/a', 'q/b', 'a', 'p/../c', 'p/']), ['a']],
    [page(LAST, ['p/a%2fb', 'p/c+d']), ['a%2fb', 'c+d']],
    [page(`<EncodingType>url</EncodingType>${LAST}`, ['p/a%2fb', 'p/c+d', 'p/%ff', 'p/%']), ['a/b', 'c d']],
    [page(LAST, ['p/a'], '-1'), []],
    [page(LAST, ['p/a'], '1e9'), []],
    [page(`${LAST}<Contents/><Contents><Size>1</Size></Contents>`), []],
    [page(LAST, ['p/&#x61;&lt;b']), ['a<b']],
    [page(LAST, ['<![CDATA[p/<a&amp;]]>']), ['<a&amp;']],
  ] as const) {
    body = given
    assert.equal(await namesOf(storeOn(server)), names, given)
  }
  for (const given of [
    '',
    'no xml',
    '<ListBucketResult>',
    '<Other/>',
    page(''),
    page('<IsTruncated>maybe</IsTruncated>'),
    page('<IsTruncated>true</IsTruncated>', ['p/a']),
    page(more(''), ['p/a']),
    page(more('again'), ['p/a']),
    page(LAST, ['p/&secret;']),
    `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${page(LAST)}`,
  ]) {
    body = given
    assert.is(await codeOf(() => namesOf(storeOn(server))), 'EIO', given)
  }
  body = `<ListBucketResult>${LAST}<X>${'x'.repeat(9 * 2 ** 20)}</X></ListBucketResult>`
  assert.is(await codeOf(() => namesOf(storeOn(server))), 'EFBIG')
  server.close()
})

lists('a list that never ends is noticed', async () => {
  const server = await startS3()
  for (const circle of [1, 2, 3, 5, 8]) {
    let asked = 0
    server.mishap = () => ({ status: 200, body: page(more(`t${++asked % circle}`), [`p/${asked}`]) })
    assert.is(await codeOf(() => namesOf(storeOn(server))), 'EIO', `a circle of ${circle}`)
    assert.ok(asked <= 6 * circle + 2, `${asked} pages`)
  }
  let asked = 0
  server.mishap = () => ({ status: 200, body: page(more(`t${asked++}`)) })
  assert.is(await codeOf(() => namesOf(storeOn(server))), 'EIO', 'pages without names')
  assert.is(asked, 100)
  server.close()
})

lists('a page may hold as many names as one may ask for', async () => {
  const server = await startS3()
  const item = (i: number) =>
    `<Contents><Key>k${i}</Key><LastModified>2020-01-01T00:00:00Z</LastModified><ETag>e</ETag><Size>1</Size>` +
    '<StorageClass>STANDARD</StorageClass><Owner><ID>i</ID><DisplayName>n</DisplayName></Owner><Type>Normal</Type></Contents>'
  const items = Array.from({ length: 10_000 }, (_, i) => item(i)).join('')
  server.mishap = () => ({ status: 200, body: `<ListBucketResult>${LAST}${items}</ListBucketResult>` })
  assert.is((await namesOf(storeOn(server, '', 10_000))).length, 10_000)
  server.close()
})

lists.run()

const xml = suite('S3 XML')

xml('elements, text, references, and what is passed over', () => {
  const root = parseXml(
    `\ufeff <?xml version="1.0" encoding='UTF-8'?>\n<!-- a --><n:a xmlns:n="x" y='z>'><b>1 &amp; &#50; &#x1F600; &quot;&apos;&gt;</b><b/>` +
      `<c ><![CDATA[<d>&amp;]]]]><![CDATA[>]]></c\n><e><!-- > - --></e></n:a>\n<!---->`,
  )
  assert.is(root?.name, 'a')
  assert.is(root?.textOf('b'), `1 & 2 \u{1f600} "'>`)
  assert.is(root?.all('b').length, 2)
  assert.is(root?.textOf('c'), '<d>&amp;]]>')
  assert.is(root?.textOf('e'), '')
  assert.is(root?.textOf('f'), undefined)
  const text = `<&>"'\u{1f600}`
  assert.is(parseXml(`<a>${escapeXml(text)}</a>`)?.text, text)
})

xml('what is not well-formed, or is more than S3 sends, is nothing', () => {
  for (const text of [
    '',
    ' ',
    'a',
    '<a>',
    '</a>',
    '<a></b>',
    '<a></n:a>',
    '<a><b></a></b>',
    '<a/><b/>',
    '<a/>b',
    'b<a/>',
    '<a b=c/>',
    '<a b="<"/>',
    '<a b="c/>',
    '<1/>',
    '< a/>',
    '<a>&</a>',
    '<a>& b;</a>',
    '<a>&b;</a>',
    '<a>&#0;</a>',
    '<a>&#xD800;</a>',
    '<a>&#x110000;</a>',
    '<a>&#99999999999;</a>',
    '<a><!-- -- --></a>',
    '<a><!-- </a>',
    '<a><![CDATA[</a>',
    '<a><?php ?></a>',
    '<!DOCTYPE a><a/>',
    '<a/><?xml version="1.0"?>',
    `${'<a>'.repeat(13)}${'</a>'.repeat(13)}`,
    `<a>${'<b/>'.repeat(150_001)}</a>`,
  ])
    assert.is(parseXml(text), undefined, text.slice(0, 60))
  assert.ok(parseXml(`${'<a>'.repeat(12)}${'</a>'.repeat(12)}`))
})

xml('hostile text is read in time that grows with its length', () => {
  // A pattern that goes back in the square of the length would not end before the runner ends it.
  const n = 2 ** 20
  for (const text of [
    '<'.repeat(n),
    '<a '.repeat(n / 3),
    `<a${' '.repeat(n)}`,
    `<a${' b="c"'.repeat(n / 6)}`,
    `<a${' b="c"'.repeat(n / 6)}>`,
    `<!--${'-'.repeat(n)}`,
    `<!--${' -'.repeat(n / 2)}`,
    `<![CDATA[${']'.repeat(n)}`,
    `<a>${'&'.repeat(n)}</a>`,
    `<a>${'&amp;'.repeat(n / 5)}`,
    `<a>${'</a '.repeat(n / 4)}`,
    `<?xml ${' '.repeat(n)}`,
    `<a${' b="c"'.repeat(n)}!`,
    ' '.repeat(n),
    `<${'a:'.repeat(n / 2)}`,
    `<${'a'.repeat(n)}`,
  ])
    assert.is(parseXml(text), undefined, text.slice(0, 10))
})

xml.run()
