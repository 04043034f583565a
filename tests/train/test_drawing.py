"""Pictures of a project's steps: what is in them, and that nothing lies on anything else."""

import random
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import pytest
from train_project import PROJECT

from sealift.record.parse import parse
from sealift.train.drawing.diagram import Diagram, Edge, Node, diagram
from sealift.train.drawing.layout import lay_out
from sealift.train.drawing.mermaid import mermaid
from sealift.train.drawing.svg import svg

MODEL = (
    '[model]\nfrom = "train.model"\ntask = "regression"\ntable = "prepare.table"\ntarget = "x"\n'
)


def test_everything_that_flows_is_in_the_picture():
    """From datasets by way of steps to the model, with the names of outputs."""
    drawn = diagram(parse(PROJECT + MODEL, where="sealift.toml"))

    assert [(node.kind, node.name, node.about) for node in drawn.nodes] == [
        ("data", "rows", "data/rows.csv"),
        ("step", "prepare", ""),
        ("step", "train", "depth = 2; seed = 7"),
        ("step", "evaluate", "mae = 12.5"),
        ("model", "small", "regression"),
    ]
    assert drawn.edges == (
        Edge("data.rows", "prepare"),
        Edge("prepare", "train", "table"),
        Edge("train", "evaluate", "model"),
        Edge("train", "model", "model"),
        Edge("prepare", "model", "table"),
    )


def test_mermaid_gets_a_line_for_each_node_and_edge():
    """Names are quoted, so that none is taken for a word of its language."""
    drawn = Diagram(
        (
            Node("data.a", "data", "end", 'x "y" <z>'),
            Node("b", "step", "b"),
            Node("model", "model", "m"),
        ),
        (Edge("data.a", "b"), Edge("b", "model", "out#1")),
    )

    assert mermaid(drawn) == (
        "flowchart LR\n"
        '    n0[("end<br/>x #quot;y#quot; #lt;z#gt;")]\n'
        '    n1["b"]\n'
        '    n2(["m"])\n'
        "    n0 --> n1\n"
        '    n1 -- "out#35;1" --> n2\n'
    )


def test_the_svg_is_well_formed_whatever_the_names():
    """It is text to be shown, and refers to nothing elsewhere."""
    drawn = Diagram(
        (Node("a", "data", "<&\">'", "]]>" * 40), Node("b", "step", "b")), (Edge("a", "b", "<"),)
    )
    text = svg(drawn)
    root = ET.fromstring(text)

    assert root.tag.endswith("svg")
    assert "<&\">'" in ["".join(one.itertext()) for one in root.iter() if one.tag.endswith("text")]
    assert "href" not in text
    assert "script" not in text


def test_a_project_without_steps_has_a_picture_too():
    """An empty one."""
    drawn = diagram(parse('name = "n"', where="sealift.toml"))

    assert mermaid(drawn) == "flowchart LR\n"
    assert ET.fromstring(svg(drawn)).get("width") == "20"


def any_graph(seed):
    """Nodes with edges from earlier to later ones."""
    dice = random.Random(seed)
    names = [f"step-{number}" for number in range(dice.randint(2, 14))]
    edges = [pair for pair in combinations(names, 2) if dice.random() < 0.3]
    nodes = [
        Node(name, "step", name * dice.randint(1, 4), "about" * dice.randint(0, 9))
        for name in names
    ]
    return Diagram(tuple(nodes), tuple(Edge(*pair, "out") for pair in edges))


@pytest.mark.parametrize("seed", range(60))
def test_no_node_covers_another_and_no_edge_crosses_one(seed):
    """Edges run in the room between columns, or at a place of their own within one."""
    drawn = any_graph(seed)
    layout = lay_out(drawn)
    boxes = layout.boxes

    for one, other in combinations(boxes.values(), 2):
        apart = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y
    for edge, way in layout.ways:
        assert way[0].x < way[-1].x
        for number, (old, new) in enumerate(pairwise(way)):
            assert old.x <= new.x
            for name, box in boxes.items():
                if number % 2:  # within a column
                    clear = new.x <= box.x or box.x + box.width <= old.x
                    assert clear or not box.y <= old.y <= box.y + box.height
                elif name not in (edge.start, edge.end):  # between columns
                    assert new.x <= box.x or box.x + box.width <= old.x or box.x > new.x
    width, height = layout.size
    assert all(box.x + box.width < width and box.y + box.height < height for box in boxes.values())
