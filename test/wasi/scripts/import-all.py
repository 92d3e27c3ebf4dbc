# Imports every module of the library that can be, and prints how many.
import importlib
import os
import pkgutil
import sys
import warnings

warnings.simplefilter('ignore')
# Those that do something when they are imported: print, open a page.
LOUD = ('this', 'antigravity')


def modules(path, prefix=''):
    for found in pkgutil.iter_modules(path, prefix):
        yield found.name
        loaded = sys.modules.get(found.name)
        if found.ispkg and loaded is not None:
            yield from modules(loaded.__path__, found.name + '.')


imported = 0
for name in modules([os.path.dirname(os.__file__)]):
    if name in LOUD or name.endswith('__main__'):
        continue
    try:
        importlib.import_module(name)
        imported += 1
    except BaseException:
        # It wants what this build lacks: threads, sockets, another system.
        pass
print(imported, os.__file__, file=sys.__stdout__)
