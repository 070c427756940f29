"""Does training a small VLM to say *where* keep places that training to say *what* loses, and does the harness see it?

Criteria, written before the first training run (how each is measured stands in ``docs/nano-vlms.md``):

1. Held-out whole pictures: colour at least .80, kind at least .50, *where* coordinates within one bin at least .80;
   *sham* coordinates at the blind rate +- .03.
2. *where* over own start at least +.10 at post_merge and the last LLM tap in every seed.
3. *where* over *sham* at least +.08 at pre_merge, post_merge and the last LLM tap in every seed, Holm p below .05;
   |*where* - *what*| at most .03 at patch_embed.
4. Two seeds of one objective are not ranked apart.
5. A smoke run ranks *where* above *what* at the last LLM tap with the board's own error control.
6. Where-then-what lies between the two.
"""

CRITERIA = {
    "colour": 0.80,
    "kind": 0.50,
    "within_one_bin": 0.80,
    "sham_over_blind": 0.03,
    "where_over_start": 0.10,
    "where_over_sham": 0.08,
    "patch_embed_apart": 0.03,
    "alpha": 0.05,
    "seeds": 3,
    "test_pictures": 500,
}
