// Paths of bytes, and long ones in pieces.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { binaryPath, callPath, openAnyLength, pathPieces, pathText } from '../../src/format/call-path.js'

const test = suite('call path')

test('text and bytes', () => {
  assert.is(binaryPath('/plain'), '/plain')
  assert.is(binaryPath('é'), '\xc3\xa9')
  assert.is(binaryPath(Uint8Array.of(0x2f, 0xff)), '/\xff')
  assert.is(callPath('/plain'), '/plain')
  assert.equal(callPath('/\xff'), Buffer.from([0x2f, 0xff]))
  assert.is(pathText('\xc3\xa9'), 'é')
  assert.is(pathText('a\xff'), 'a\ufffd')
})

test('pieces are the path, none too long, none but the first absolute', () => {
  const paths = [
    '',
    '/',
    'a',
    '/a/b/c',
    'aa/bb/cc/dd',
    '/aa//bb///cc/',
    'a'.repeat(50),
    `${'b'.repeat(20)}/c`,
    '//',
    'a////////b',
  ]
  for (const path of paths) {
    for (const max of [1, 2, 3, 5, 8, 13, 100]) {
      const pieces = pathPieces(path, max)
      assert.is(pieces.join(''), path)
      assert.ok(pieces.length > 0)
      const last = pieces.length - 1
      pieces.forEach((piece, i) => {
        const what = `${JSON.stringify(path)} in ${max}: ${JSON.stringify(pieces)}`
        if (i < last) assert.ok(piece.endsWith('/'), what)
        if (i > 0) assert.not.ok(piece.startsWith('/'), what)
        const names = piece.split('/').filter(name => name !== '')
        assert.ok(piece.replace(/\/+$/, '').length <= max || names.length <= 1, what)
      })
    }
  }
})

test('a long path is opened below descriptors, which are closed again; a short one is not', () => {
  const opened: [string, boolean][] = []
  const open = new Set<number>()
  let next = 10
  const calls = {
    open: (path: string | Buffer, last: boolean) => {
      opened.push([String(path), last])
      if (String(path).endsWith('bad')) throw new Error('no')
      open.add(++next)
      return next
    },
    close: (fd: number) => {
      assert.ok(open.delete(fd))
    },
  }
  assert.is(openAnyLength('/short', calls, '/fds'), 11)
  const name = 'n'.repeat(250)
  const long = `/${name}`.repeat(20)
  const fd = openAnyLength(long, calls, '/fds')
  assert.equal([...open], [11, fd])
  const [, first, second, third] = opened
  assert.is(opened.length, 4)
  assert.equal([first[1], second[1], third[1]], [false, false, true])
  assert.ok(second[0].startsWith('/fds/12/n') && third[0].startsWith('/fds/13/n'))
  assert.is(first[0] + second[0].slice('/fds/12/'.length) + third[0].slice('/fds/13/'.length), long)
  assert.throws(() => openAnyLength(`${long}/bad`, calls, '/fds'), 'no')
  assert.equal([...open], [11, fd])
  opened.length = 0
  openAnyLength(long, calls, undefined)
  assert.equal(opened, [[long, true]])
})

test.run()
