"""Which clip EmoEEG-MC showed when, as its makers publish it with the data."""

#: Clips in the order in which the makers' own segments stand.
CLIPS = tuple(
    f"{emotion}{number}"
    for emotion in ("sad", "dis", "fear", "neu", "joy", "ten", "ins")
    for number in (4, 5, 8)
)
#: Contexts by the name that files have.
SESSIONS = {"video": "vid", "imagery": "ima"}
_LETTERS = {name[0]: name[:-1] for name in CLIPS}
#: One line a subject, from 1 to 53: the same in both contexts.
_SHOWN = """
j5 i5 j8 f8 s8 d5 n4 n5 n8 t5 t8 j4 d4 f4 s4 i8 i4 t4 d8 f5 s5
f8 f5 d4 i8 j8 i4 n4 n8 n5 s4 d8 f4 t5 t8 j4 d5 s8 s5 j5 t4 i5
t4 j4 j8 n4 n8 n5 d5 f4 f5 t8 t5 i5 f8 d4 d8 i8 j5 i4 s4 s5 s8
f5 d8 d5 j4 t5 i5 n4 n8 n5 s8 f8 s4 i4 i8 j8 f4 s5 d4 t4 j5 t8
j8 t4 i5 f5 s5 d4 n4 n5 n8 j4 t8 j5 s4 d8 f8 i4 t5 i8 s8 d5 f4
j8 i5 i8 d4 d8 f8 t4 j5 t5 d5 f5 f4 t8 i4 j4 s8 s4 s5 n4 n5 n8
j8 t8 j4 f4 s5 d5 i5 t5 t4 d4 s8 d8 i4 i8 j5 s4 f8 f5 n4 n5 n8
n4 n5 n8 d8 s4 f5 i4 i5 t5 d4 s8 f4 i8 j4 t8 f8 d5 s5 t4 j8 j5
s5 f4 f8 j4 j8 t5 d8 d5 s4 n4 n8 n5 i8 t8 i4 s8 f5 d4 j5 t4 i5
s4 f5 s8 j8 t8 j4 s5 d8 f4 n4 n8 n5 t4 t5 i4 d4 f8 d5 j5 i5 i8
j4 i4 j5 f8 d8 s4 t8 i5 t5 s5 s8 f5 i8 t4 j8 n8 n4 n5 f4 d4 d5
s8 f5 f8 t8 t5 j8 f4 s4 s5 n4 n8 n5 i8 i4 t4 d5 d8 d4 j5 j4 i5
s8 d8 s4 t4 t8 i4 d5 f8 s5 t5 i5 j8 n4 n8 n5 f5 f4 d4 j4 j5 i8
i8 t4 i5 n4 n8 n5 s5 d4 s4 i4 t8 t5 d8 s8 f8 j5 j4 j8 f4 f5 d5
i8 t5 t8 s8 s4 s5 j4 i4 i5 f8 f5 f4 t4 j5 j8 n5 n4 n8 d4 d5 d8
f4 d4 f8 i8 j8 t8 d5 s4 d8 i5 i4 j4 n8 n4 n5 f5 s8 s5 j5 t5 t4
t5 i4 i8 d8 f4 s5 i5 j8 t4 s8 f8 f5 t8 j5 j4 s4 d5 d4 n5 n4 n8
n4 n5 n8 s4 d8 d5 j4 t4 t5 s5 f5 f4 i5 i4 t8 d4 f8 s8 j8 i8 j5
j5 t8 i4 f4 d8 s4 t5 j8 j4 s8 d5 f8 n8 n4 n5 i5 t4 i8 f5 d4 s5
j5 i8 j4 n4 n5 n8 f4 s4 f8 i5 t4 t5 d4 s8 s5 t8 i4 j8 d5 f5 d8
t8 j4 i5 s4 d4 f8 i8 j8 i4 n8 n4 n5 s5 s8 f5 t5 j5 t4 f4 d5 d8
j5 t8 t4 d4 f4 f5 j8 t5 j4 s5 s8 d8 n5 n8 n4 i4 i5 i8 f8 s4 d5
n4 n5 n8 d4 f4 s8 i8 j4 t8 f8 f5 s5 t4 i5 j8 d8 s4 d5 t5 j5 i4
j5 t5 i4 f4 s8 s4 i5 t4 t8 s5 f5 f8 i8 j8 j4 d8 d5 d4 n8 n4 n5
d8 d5 s4 i8 t4 j8 s8 f4 f8 j5 i4 t8 d4 f5 s5 n8 n5 n4 j4 i5 t5
f4 s5 f8 t4 i5 j8 d4 d8 s8 i4 j5 j4 d5 s4 f5 i8 t8 t5 n5 n8 n4
d4 d5 f4 i8 i4 j5 s8 f8 s5 i5 j4 t8 n4 n8 n5 f5 s4 d8 t4 t5 j8
t4 i5 j4 d5 s5 f4 i8 j8 i4 f5 f8 d8 n5 n8 n4 t8 j5 t5 s4 d4 s8
j5 t5 i5 n8 n4 n5 f5 s8 s5 j8 t8 j4 f8 f4 d4 t4 i8 i4 d8 d5 s4
s8 d8 d5 j5 t4 j4 s5 f5 f8 t8 i8 i4 s4 f4 d4 j8 i5 t5 n5 n8 n4
d4 d8 s4 n5 n4 n8 j5 i8 i4 f4 f8 s8 i5 t8 j4 s5 d5 f5 t4 j8 t5
j5 j4 t4 s5 f5 f4 i5 t8 i8 d8 d5 s8 t5 i4 j8 s4 f8 d4 n5 n8 n4
s5 d8 d5 i5 t5 t4 d4 f4 f5 t8 i8 j4 n5 n4 n8 f8 s4 s8 j5 j8 i4
t5 i5 j4 s4 f5 f4 t8 j8 i8 d8 s5 d5 j5 t4 i4 d4 f8 s8 n4 n8 n5
s4 f8 d4 i4 i8 j4 n8 n5 n4 s8 f4 d5 t4 t5 t8 s5 d8 f5 j8 i5 j5
j5 j4 j8 d4 d8 f5 n5 n8 n4 i4 t5 t4 d5 s5 f4 t8 i8 i5 s4 s8 f8
f4 d5 s5 n5 n4 n8 i8 j8 t5 f5 s4 f8 i4 j4 t8 d4 d8 s8 j5 i5 t4
j8 t8 i8 f8 s4 f5 t4 t5 j5 s8 d4 f4 n4 n5 n8 i5 i4 j4 s5 d8 d5
i4 t8 j4 n5 n8 n4 d8 f4 s8 i5 j8 t4 d5 d4 f5 i8 t5 j5 f8 s5 s4
i4 t4 i5 s5 d5 f4 n5 n8 n4 t5 i8 j4 s8 f5 s4 t8 j5 j8 d8 d4 f8
i5 t8 i4 d8 s4 d5 j8 t5 i8 n8 n4 n5 f8 d4 f5 j4 j5 t4 s5 s8 f4
t8 t4 j8 d8 s5 s4 j5 i8 i4 n4 n5 n8 f4 d4 f5 i5 t5 j4 d5 f8 s8
i5 t5 i4 n5 n8 n4 s4 d4 s5 i8 j8 j4 f8 f4 d8 t8 t4 j5 d5 s8 f5
s8 d5 d4 j5 i5 j8 s5 s4 f5 t4 t8 i4 n8 n5 n4 d8 f8 f4 j4 t5 i8
i5 j8 i8 f8 f5 s5 j5 t8 t5 n5 n4 n8 d5 d8 s4 i4 t4 j4 s8 d4 f4
f5 d5 d8 i5 t5 t8 n8 n4 n5 f8 d4 s4 t4 i8 i4 s5 s8 f4 j8 j4 j5
i4 j5 j8 s5 f5 d8 n8 n4 n5 i8 t4 j4 f8 d5 s8 i5 t8 t5 s4 d4 f4
j5 i8 i5 d8 d5 f5 t4 i4 j8 d4 f4 s5 t8 t5 j4 f8 s8 s4 n8 n4 n5
d4 s5 s4 n4 n8 n5 j4 t5 t8 d8 f8 d5 i4 j8 t4 f4 s8 f5 i8 i5 j5
t5 i8 i4 n4 n8 n5 f4 f8 d4 j4 t4 i5 f5 s5 d8 t8 j8 j5 s4 s8 d5
t8 j8 t5 d8 f5 d4 j5 t4 i4 f4 s4 d5 n8 n4 n5 i8 i5 j4 s5 f8 s8
j4 j5 i8 f5 d5 d8 n5 n4 n8 j8 i5 t5 s5 f4 d4 t4 t8 i4 s8 f8 s4
n8 n4 n5 d5 s4 f4 j5 i4 t4 f8 s5 s8 t8 j4 t5 f5 d4 d8 j8 i5 i8
"""
#: Those of whom trials are missing, or whose contexts have an order each.
_OTHERS = {
    (54, "video"): "j8 j5 j4 s8 s5 s4 d8 d5 d4 i8 i5 i4 f8 f5 f4 n8 n5 n4 t8 t5 t4",
    (54, "imagery"): "t8 t5 t4 f8 f5 f4 d8 d5 d4 j8 j5 j4 s8 s5 s4 n8 n5 n4 i8 i5 i4",
    (55, "video"): "d5 s4 f8 j4 j5 t8 f5 s8 s5 j8 t5 i8 d8 d4 f4 i5 t4 i4",
    (55, "imagery"): "d5 s4 f8 j4 j5 t8 f5 s8 s5 j8 t5 i8 d8 d4 f4 i5 t4 i4",
    (56, "video"): "j8 j5 i4 s4 f5 d8 n4 n8 n5 t8 j4 i5 f4 d5 s8 i8 t5 t4 s5 d4 f8",
    (56, "imagery"): "j8 j5 i4 s4 f5 d8 n4 n8 n5 t8 j4 i5 f4 d5 s8 i8 t5 t4 s5",
    (57, "video"): "n8 i4 j5 t4 s5 s4 s8 i8 j4 t8 d8 d5 t5 f4 f5",
    (57, "imagery"): "n8 n5 n4 i4 j5 s5 s8 i8 j4 t8 d5 f8 j8 i5 t5 f4 f5",
    (58, "video"): "s5 f5 s8 i8 j5 j4 s4 d8 d4 n5 n8 n4 t8 j8 t4 f4 f8 d5 i5 t5 i4",
    (58, "imagery"): "s5 f5 s8 i8 j5 j4 s4 d8 n5 n8 n4 t8 j8 t4 f4 f8 d5 i5",
    (59, "video"): "d5 s8 f4 j8 i8 i5 f8 f5 n4 n8 n5 j4 t8 t4 s5 t5 j5",
    (59, "imagery"): "d5 f4 i8 f8 d8 f5 n4 n8 j4 t8 t4 d4 s5 s4 j5",
    (60, "video"): "n5 n4 n8 d5 s4 d4 t4 i4 t5",
    (60, "imagery"): "n5 n4 n8 d5 s4 d4 t4",
}


def shown(subject, context):
    """Clips of a subject in the order of time.

    Parameters
    ----------
    subject : int
        From 1 to 60.
    context : {"video", "imagery"}
        Which trials.

    Returns
    -------
    clips : list of str
    """
    text = _OTHERS.get((subject, context)) or _SHOWN.strip().splitlines()[subject - 1]
    return [_LETTERS[code[0]] + code[1] for code in text.split()]
