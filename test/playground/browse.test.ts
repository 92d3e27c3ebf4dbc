// Browsing in the playground, as people do it: a file is picked, its tree unfolded.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHROMIUM } from '../browser/chromium.js'
import { fixture, skip } from '../helpers/paths.js'
import { Site, shot } from './site.js'

const browse = suite('playground: browse')
const site = CHROMIUM === undefined ? undefined : await Site.start()

if (site === undefined) skip(browse, 'browse', 'no Chromium')
else {
  browse('a picked image shows its tree', async () => {
    const { page, complaints } = await site.open()
    await page.setInputFiles('.start input[type=file]', fixture('small.cfs'))
    await page.waitForSelector('[role=treeitem]')
    await shot(page, 'browse-first')
    assert.equal(complaints, [])
  })
  browse('stop', () => site.stop())
}
browse.run()
