from collections import Counter
from hypothesis import given, settings, strategies as st
from tests.integration.test_random_lives import *
COUNT = Counter()
@settings(max_examples=80)
@given(life=st.lists(commands(), max_size=25))
def test_stats(database, strict, clock, life):
    empty(database)
    w = World.with_people(strict)
    for by, op in life:
        r = w.perform(by, op)
        o = outcome(r)
        if isinstance(o, list):
            for c, *_ in o: COUNT[c] += 1
        elif isinstance(o, int): COUNT[op["op"] + " ok v" + ("1" if o==1 else "2+")] += 1
        else: COUNT[o] += 1
def test_print():
    for k, v in COUNT.most_common(): print(k, v)
