// Programs in the playground's terminal whose image and objects are elsewhere: behind another origin, of which only what is asked for is
// fetched; and on a page that is not isolated. Also a program in C, where there is a compiler.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ServedDirectory } from '../../src/cli/served-files.js'
import { StaticServer } from '../../src/cli/static-server.js'
import { mountSync } from '../../src/node.js'
import { CHROMIUM } from '../browser/chromium.js'
import { skip } from '../helpers/paths.js'
import { noise } from '../helpers/store-hash.js'
import { drop } from './dropping.js'
import { programsWorld, startChanging, startTerminal, TEXT, type } from './programs-world.js'
import { Site, shot } from './site.js'

const far = suite('playground: programs over the network')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const CLANG = ['/usr/bin/clang', '/usr/local/bin/clang'].find(existsSync)
/** What is fetched only where all of it is. Bytes. */
const BIG = 3 << 20

/** Says of each entry what it is, how large, and its name; below a directory first what is in it. */
const LIST_IN_C = `
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void list(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL) { perror(path); return; }
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char child[4096];
    struct stat facts;
    snprintf(child, sizeof child, "%s/%s", strcmp(path, "/") == 0 ? "" : path, entry->d_name);
    if (lstat(child, &facts) != 0) { perror(child); continue; }
    printf("%c %lld %s\\n", S_ISDIR(facts.st_mode) ? 'd' : S_ISLNK(facts.st_mode) ? 'l' : '-',
      S_ISDIR(facts.st_mode) ? 0LL : (long long)facts.st_size, child);
    if (S_ISDIR(facts.st_mode)) list(child);
  }
  closedir(dir);
}

int main(int count, char **arguments) {
  list(count > 1 ? arguments[1] : "/");
  return 0;
}
`

/** The program, where there are compiler and library; else why there is none. */
function listProgram(): Uint8Array | string {
  if (CLANG === undefined) return 'no clang'
  const dir = mkdtempSync(join(tmpdir(), 'composefs-clang-'))
  try {
    writeFileSync(join(dir, 'list.c'), LIST_IN_C)
    const out = join(dir, 'list.wasm')
    const args = ['--target=wasm32-wasi', '--sysroot=/usr', '-O2', join(dir, 'list.c'), '-o', out]
    execFileSync(CLANG, args, { stdio: 'pipe' })
    return readFileSync(out)
  } catch (error) {
    return `clang can't make WASI programs: ${error instanceof Error ? error.message.split('\n')[0] : error}`
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'Range, If-Range',
  'access-control-expose-headers': 'Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified',
  'cross-origin-resource-policy': 'cross-origin',
}

async function serve(
  dir: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ server: StaticServer; url: string }> {
  const places = [{ prefix: '/', files: new ServedDirectory(dir), typed: true }]
  const preflight = { 'access-control-allow-methods': 'GET, HEAD, OPTIONS' }
  const server = new StaticServer({ places, headers, preflight })
  return { server, url: await server.listen(0, '127.0.0.1') }
}

if (site === undefined) skip(far, 'programs over the network', 'no Chromium')
else {
  const list = listProgram()
  const { dir, digest } = await programsWorld({
    '/data/big': noise(BIG, 1),
    ...(typeof list === 'string' ? {} : { '/usr/bin/list.wasm': list }),
  })
  const elsewhere = await serve(dir, CORS)
  const plain = await serve(site.dir, {})
  const address = `?image=${encodeURIComponent(`${elsewhere.url}image.cfs`)}&store=${encodeURIComponent(`${elsewhere.url}objects`)}`

  for (const [name, more] of [
    ['read as it is', ''],
    ['of a known digest', `&digest=${digest}`],
  ] as const) {
    far(`an image behind another origin, ${name}: a program has fetched what it asks for`, async () => {
      const opened = await site.open({ address: address + more })
      const { page } = opened
      let bytes = 0
      page.on('response', response => {
        if (response.url().startsWith(elsewhere.url)) bytes += Number(response.headers()['content-length'] ?? 0)
      })
      await startTerminal(opened)
      assert.equal(await type(opened, 'guest f /data/text | uniq'), [TEXT.split('\n')[0]])
      assert.match((await type(opened, 'guest f /data/none')).join(' '), /failed/)
      assert.ok(bytes < BIG, `${bytes} bytes were fetched`)
      await startChanging(opened)
      await type(opened, 'guest f /data/text | guest w /tmp/copy')
      assert.equal(await type(opened, 'guest f /tmp/copy | wc -c'), [String(TEXT.length)])
      assert.equal(opened.complaints, [])
      await page.context().close()
    })
  }

  far('a page that is not isolated runs programs on what is at hand, and says why others do not run', async () => {
    const opened = await site.open()
    const { page } = opened
    await page.goto(plain.url)
    await drop(page, join(dir, 'image.cfs'), join(dir, 'objects'))
    await startTerminal(opened)
    assert.equal(await page.evaluate(() => crossOriginIsolated), false)
    assert.equal(await type(opened, 'echo in | guest c'), ['in'])
    assert.equal(await type(opened, 'guest f /data/text | uniq'), [TEXT.split('\n')[0]])
    await page.goto(plain.url + address)
    await startTerminal(opened)
    const said = (await type(opened, 'guest f /data/text')).join(' ')
    assert.match(said, /not cross-origin isolated/)
    await shot(page, 'program-not-isolated')
    // Of a known digest it is fetched whole; its objects are not.
    await page.goto(`${plain.url}${address}&digest=${digest}`)
    await startTerminal(opened)
    assert.equal(await type(opened, 'echo in | guest c'), ['in'])
    const lacking = (await type(opened, 'guest f /data/text')).join(' ')
    assert.match(lacking, /could not have .*not cross-origin isolated/)
    assert.equal(opened.complaints, [])
    await page.context().close()
  })

  if (typeof list === 'string') skip(far, 'a program in C', list)
  else {
    far('a program in C lists the whole tree', async () => {
      const opened = await site.open()
      await drop(opened.page, join(dir, 'image.cfs'), join(dir, 'objects'))
      await startTerminal(opened)
      const m = mountSync(join(dir, 'image.cfs'), { store: join(dir, 'objects') })
      const lines = (path: string): string[] =>
        (m.fs.readdirSync(path) as string[]).flatMap(name => {
          const child = `${path === '/' ? '' : path}/${name}`
          const facts = m.fs.lstatSync(child)
          const line = `${facts.isDirectory() ? 'd' : '-'} ${facts.isDirectory() ? 0 : facts.size} ${child}`
          return facts.isDirectory() ? [line, ...lines(child)] : [line]
        })
      assert.equal(await type(opened, 'list.wasm'), lines('/'))
      m.unmount()
      assert.equal(opened.complaints, [])
      await opened.page.context().close()
    })
  }

  far('stop', async () => {
    await site.stop()
    elsewhere.server.close()
    plain.server.close()
  })
}
far.run()
