"""A tree of handlers that shares nodes behaves as a copy that botocore makes."""

import copy

from botocore.hooks import HierarchicalEmitter, _PrefixTrie
from hypothesis import given
from hypothesis import strategies as st

from pytest_lambda_esm.moto_bridge.reuse.handler_tree import SharedTree, shared

KEYS = ["a", "a.b", "a.b.c", "a.*.c", "b", "*.b"]
EVENTS = [*KEYS, "a.x.c", "x.b", "a.b.c.d", "x"]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("copy"), st.integers(0, 5)),
        st.tuples(
            st.just("append"), st.integers(0, 5), st.sampled_from(KEYS), st.integers(0, 3), st.sampled_from([0, 1, 2])
        ),
        st.tuples(st.just("remove"), st.integers(0, 5), st.sampled_from(KEYS), st.integers(0, 3)),
    ),
    max_size=25,
)


def perform(trees, step):
    """Do one step to a list of trees, and return what it raised."""
    kind, number, *arguments = step
    tree = trees[number % len(trees)]
    try:
        if kind == "copy":
            trees.append(copy.copy(tree))
        elif kind == "append":
            tree.append_item(*arguments)
        else:
            tree.remove_item(*arguments)
    except (ValueError, AttributeError, TypeError) as error:
        return type(error), str(error)
    return None


def found(trees):
    return [[list(tree.prefix_search(event)) for event in EVENTS] for tree in trees]


@given(steps)
def test_copies_and_changes_have_the_same_effects_as_on_trees_of_botocore(steps):
    plain = [_PrefixTrie()]
    for key in KEYS[:3]:
        plain[0].append_item(key, 0)
    sharing = [shared(copy.copy(plain[0]))]
    for step in steps:
        assert perform(plain, step) == perform(sharing, step)
        assert found(plain) == found(sharing)
    assert [tree._root for tree in plain] == [tree._root for tree in sharing]


def test_a_copy_of_an_emitter_copies_its_shared_tree():
    def one(**kwargs):
        pass

    def two(**kwargs):
        pass

    emitter = HierarchicalEmitter()
    emitter.register("a.b", one)
    emitter._handlers = shared(emitter._handlers)
    other = copy.copy(emitter)
    other.register("a.b", two)
    assert type(other._handlers) is SharedTree
    assert [list(each._handlers.prefix_search("a.b")) for each in (emitter, other)] == [[one], [one, two]]


def test_a_tree_of_an_unknown_form_is_not_shared():
    tree = _PrefixTrie()
    tree.append_item("a", 1)
    assert shared(tree) is not None
    tree._root["children"]["a"]["weight"] = 1
    assert shared(tree) is None
    assert shared(SharedTree(_PrefixTrie()._root)) is None
    tree = _PrefixTrie()
    tree.index = {}
    assert shared(tree) is None
