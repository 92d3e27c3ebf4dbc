// The worker of the search: it alone hangs where a regular expression does, and is ended then. Not here: the search.

import { expose } from 'comlink'
import { SearchIndex } from './search-index.js'

expose(new SearchIndex())
