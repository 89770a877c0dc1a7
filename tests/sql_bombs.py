"""Twenty statements that would take a machine down if nothing held them, for the tests and the benchmark."""

BOMBS: dict[str, str] = {
    "a cross join of everything": "select sum(a.range * b.range % 7) from range(100000000) a, range(100000000) b",
    "leads with themselves, four times": "select sum(hash(a.lead_id, b.lead_id, c.lead_id, d.lead_id) % 7) "
    "from range(1000) e, leads a, leads b, leads c, leads d, range(100000) f",
    "a range without an end": "select max(hash(range)) from range(1000000000000)",
    "one long text": "select repeat('x', 2000000000)",
    "many long texts": "select sum(length(repeat(chr(97 + (range % 26)::int), 1000000))) from range(100000000)",
    "padding": "select max(lpad(range::varchar, 1000000000, 'y')) from range(1000)",
    "all texts in one": "select string_agg(repeat('x', 1000), '') from range(100000000)",
    "a recursion without an end": "with recursive t(n) as (select 1 union all select n + 1 from t) "
    "select count(*) from t",
    "a recursion that doubles a text": "with recursive t(s) as (select 'x' union all select s || s from t) "
    "select max(length(s)) from t",
    "a recursion that branches": "with recursive t(n) as (select 1 union all select n + 1 from t, range(10)) "
    "select count(*) from t",
    "a list of a thousand million": "select len(range(1000000000) || range(1000000000))",
    "a list within a list within a list": "select list_sum(list_transform(range(1000000), "
    "lambda x: list_sum(list_transform(range(1000000), lambda y: y * x % 7))))",
    "an unnest explosion": "select count(*) from (select unnest(range(1000000)) from range(1000000))",
    "a regular expression": "select count(*) from range(10000000) "
    "where regexp_matches(repeat('a', 100000) || range, '(a|aa|a?a)*b{1,200}c$')",
    "a distance that takes the square of the length": "select levenshtein(repeat('ab', 200000), repeat('ba', 200000))",
    "a sort of everything": "select range from range(1000000000) order by random() limit 1",
    "a group for each row": "select count(*) from (select random() as r from range(1000000000) group by r)",
    "names for names for names": "with a as (select 1 as n from range(1000)), b as (select x.n from a x, a y), "
    "c as (select x.n from b x, b y), d as (select x.n from c x, c y) select sum(n + random()) from d",
    "brackets in brackets": "select " + "(" * 20_000 + "1" + ")" * 20_000,
    "a giant result": "select range, repeat('x', 2000) as text from range(10000)",
}
