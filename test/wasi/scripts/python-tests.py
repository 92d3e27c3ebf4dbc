# Runs modules of Python's own tests and prints `@ RESULT NAME SECONDS` for each test. RESULT is unittest's own word.
import sys
import time
import unittest


class Reporting(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def say(self, result, test, error=None):
        print('@', result, test.id(), '%.3f' % (time.monotonic() - getattr(self, 'began', 0)), flush=True)
        if error is not None:
            print(self._exc_info_to_string(error, test), file=sys.stderr, flush=True)

    def addSuccess(self, test):
        self.say('ok', test)

    def addError(self, test, error):
        self.say('ERROR', test, error)

    def addFailure(self, test, error):
        self.say('FAIL', test, error)

    def addSkip(self, test, reason):
        self.say('skipped', test)

    def addExpectedFailure(self, test, error):
        self.say('expected', test)

    def addUnexpectedSuccess(self, test):
        self.say('UNEXPECTED', test)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.say('ERROR', subtest, error)


# The tests of sqlite3 are Python 3.9's: what they look for in test.support has moved since, and they call tests `Check…`.
from test import support
from test.support import os_helper

for name in os_helper.__dict__:
    if not hasattr(support, name):
        setattr(support, name, getattr(os_helper, name))

suite = unittest.TestSuite()
for prefix in ('test', 'Check'):
    loader = unittest.TestLoader()
    loader.testMethodPrefix = prefix
    suite.addTests(loader.loadTestsFromNames(sys.argv[1:]))
suite.run(Reporting())
