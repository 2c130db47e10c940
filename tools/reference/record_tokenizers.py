"""Records the token ids transformers gives, for test/tokenizers/tokenizers.test.ts.

Writes test/fixtures/tokenizers/ids.json.gz: `strings`; for each tokenizer the ids of every string, cut and ended at `lengths`
but without padding; and `variants`, the same for folders that describe their special tokens in other ways.

    python tools/reference/record_tokenizers.py CLIP_FOLDER T5_FOLDER      # the published tokenizers; needs transformers
"""

import gzip
import json
import random
import shutil
import sys
import tempfile
import unicodedata
from pathlib import Path

import tokenizers
import transformers
from transformers import CLIPTokenizer, T5TokenizerFast

ROOT = Path(__file__).parents[2]
OUT = ROOT / "test/fixtures/tokenizers/ids.json.gz"
CLIP_LENGTH = 77
T5_LENGTHS = [512, 256, 77, 32]
ASSIGNED = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) not in ("Cn", "Co")]
SPACES = " \t\n\x0b\x0c\r\x1c\x1f\x85\xa0\u1680\u180e\u2000\u2003\u2007\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
# Letters, digits and marks of Unicode 10 to 17, which the Unicode tables of the tokenizers library know in part.
NEW = [
    (0x07FD, 0x07FD), (0x0870, 0x089F), (0x08CA, 0x08D3), (0x09FE, 0x09FE), (0x0C3C, 0x0C3C), (0x0C5C, 0x0C5D), (0x0CDC, 0x0CDD), (0x0D3B, 0x0D3C),
    (0x0EBA, 0x0EBA), (0x1715, 0x1715), (0x1ABF, 0x1AEB), (0x1DF6, 0x1DFA), (0xA7C0, 0xA7F5), (0xA82C, 0xA82C), (0x105C0, 0x105F3), (0x10940, 0x10959),
    (0x10D24, 0x10D8F), (0x10EA9, 0x10EFF), (0x10F46, 0x10F85), (0x11380, 0x113E2), (0x11830, 0x1183A), (0x11930, 0x11943), (0x11A34, 0x11A47),
    (0x11D42, 0x11D45), (0x11DB0, 0x11DE9), (0x11F00, 0x11F59), (0x16100, 0x16139), (0x16D40, 0x16D79), (0x16EA0, 0x16ED3), (0x16FF0, 0x16FF6),
    (0x187F0, 0x187FF), (0x18D00, 0x18D1E), (0x18D80, 0x18DF2), (0x1E030, 0x1E08F), (0x1E130, 0x1E136), (0x1E290, 0x1E2AE), (0x1E2EC, 0x1E2EF),
    (0x1E4D0, 0x1E4F9), (0x1E5D0, 0x1E5FA), (0x1E6C0, 0x1E6FF), (0x2B730, 0x2B73F), (0x2CEA0, 0x2CEAD), (0x31350, 0x33479),
]  # fmt: skip
SPECIAL = [
    "<|startoftext|>", "<|endoftext|>", "<|ENDOFTEXT|>", "<|StartOfText|>", "<pad>", "</s>", "<unk>", "<s>", "<extra_id_0>",
    "<extra_id_99>", "<extra_id_100>", "< /s>", "＜/s＞", "<|endoftext|", "|endoftext|>", "<|endof\u0301text|>", "</w>", "▁",
]  # fmt: skip
WORDS = (
    "a an the red blue green house lighthouse mountains sunset sunrise night day sea ocean desert cactus tree pine clouds balloon "
    "sailboat on left right in front of with and at dusk dawn early morning starry sky photo portrait cinematic 4k highly detailed "
    "masterpiece trending artstation octane render bokeh f/1.8 35mm film grain Kodak Portra volumetric light cat's dog don't can't "
    "I'll we've they're it's O'Neill café naïve Zürich Ångström façade jalapeño über coöperate résumé Straße İstanbul ΣΊΣΥΦΟΣ ὈΔΥΣΣΕΎΣ"
).split()
WRITTEN = """
A lighthouse at dusk
a red house in the mountains at sunset
A photo of a cat holding a sign that says "hello world"
beautiful, (masterpiece:1.2), [blurry], {wild|card}, <lora:name:0.8>, BREAK, a::b
it's a dog's life, we'll see; they've said "don't" -- can't, won't 'quoted' 'S 'T 'RE o'clock rock'n'roll
It’s a “smart” quote — and an en–dash… ‘single’ „low“ «guillemets»
1234567890 3.14159 1,000,000 0x1F 1e-5 12:34:56 2024-01-31 ½ ⅓ ² ³ ₂ Ⅷ ① ⑳ ٣٤٥ १२३ ၁၂၃ 〇一二三 𝟘𝟙𝟚
&lt;b&gt; &amp;amp; &quot;x&quot; &#39; &#x27; &nbsp; <b>bold</b> <br/> https://example.com/?q=a+b&c=d#e
日本語のテキスト、漢字とカナ。 中文提示词：一只猫坐在窗台上 한국어 프롬프트 고양이
ｆｕｌｌｗｉｄｔｈ ＡＢＣ １２３ ｱｲｳｴｵ ㎏ ㏒ ™ ℡ № ﬁ ﬂ ﬃ ĳ ŉ ſ Ω K Å
قطة جالسة على حصيرة שלום עולם ‏rtl‏ ‪embedding‬ ลูกแมว ภาษาไทย हिन्दी बिल्ली தமிழ் ქართული Ελληνικά Русский кот
👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇯🇵🇺🇸 ❤️ ☺︎ ©️ 5️⃣ 🧑🏿‍🚀 🫠 🏴󠁧󠁢󠁳󠁣󠁴󠁿 😀😀😀
e\u0301 e\u0301\u0302\u0323 o\u0308\u0304 n\u0303 \u0301leading \u1100\u1161\u11a8 \u1112\u1161\u11ab\u1100\u1173\u11af q\u0307\u0323 fi\u0301 ﬁ\u0301 ①\u20dd
H̵̢̛̙͊e̷̺͝l̶̰̈́l̴̡̛o̵͕͆ zalgo
İ I ı i ẞ ß Σ ς ΑΣ ΑΣΑ Ǆ ǅ ǆ ﬀ ŉ ǰ ΐ ᾳ ᾼ Ω K Å Ⴀ Ꭰ ꭰ 𐐀
word\u00adbreak zero\u200bwidth\u200cnon\u200djoiner \ufeffbom word\u2060joiner \u2028line\u2029para
a\u0000b \u0001 \u0007 \u0008 \x1b[31m \x7f \u0080 \u009f \ufffd \uffff \U0010ffff \ue000 \U000f0000
▁underscore ▁▁two a▁b ▁ _ __ ___ \u2581\u2581
!!!???... ,,, ;;: -- --- ~~ `` ^^ %% $$ ## @@ && ** () [] {} <> /\\ || ++ == !@#$%^&*()
a,b,c a.b.c a-b-c a_b_c a/b/c a'b'c a"b"c CamelCaseWord snake_case_word kebab-case-word
supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
""".strip().split("\n")


def strings() -> list[str]:
    """Some 2,400 strings of every kind, the same on every run."""
    r = random.Random(2024)
    pick = lambda alphabet, low, high: "".join(r.choice(alphabet) for _ in range(r.randint(low, high)))
    prompt = lambda low, high: " ".join(r.choice(WORDS) for _ in range(r.randint(low, high)))
    assigned_in = lambda start, end: [c for c in ASSIGNED if start <= ord(c) < end]
    emoji = assigned_in(0x1F300, 0x1FAFF) + assigned_in(0x2600, 0x27C0)
    marks = [c for c in ASSIGNED if unicodedata.category(c) in ("Mn", "Mc", "Me")]
    compatible = [c for c in ASSIGNED if unicodedata.normalize("NFKC", c) != c]
    cased = [c for c in ASSIGNED if c.lower() != c or c.upper() != c]
    digits = [c for c in ASSIGNED if unicodedata.category(c) in ("Nd", "Nl", "No")]
    letters = [c for c in ASSIGNED if unicodedata.category(c)[0] == "L" and ord(c) < 0x3000]
    punctuation = [c for c in ASSIGNED if unicodedata.category(c)[0] in "PS" and ord(c) < 0x3100]
    any_plane = lambda: "".join(chr(c) for c in (r.randrange(1, 0x110000) for _ in range(r.randint(1, 12))) if not 0xD800 <= c < 0xE000)
    bmp = [c for c in ASSIGNED if ord(c) < 0x10000]

    found = [*WRITTEN, "", " ", "  ", "\n", "\t \r\n", "a", "A", " a", "a ", " a  b ", ".", "'", "''", "'s", "''s", "0", "é", "é", "ß"]
    found += SPECIAL + [s + s for s in SPECIAL] + [f"a{s}b" for s in SPECIAL] + [f"a {s} b" for s in SPECIAL]
    found += [prompt(1, 30) for _ in range(300)]
    found += [prompt(60, 120) for _ in range(25)] + [prompt(500, 700) for _ in range(4)]
    found += [pick(emoji + ["\u200d", "\ufe0f", "\U0001f3fd"] * 40, 1, 12) for _ in range(150)]
    found += ["".join(pick(letters, 1, 2) + pick(marks, 1, 3) for _ in range(r.randint(1, 6))) for _ in range(200)]
    found += [pick(compatible, 1, 8) for _ in range(250)] + [pick(compatible, 1, 3) + pick(marks, 1, 2) for _ in range(100)]
    found += [pick(cased, 1, 10) for _ in range(150)] + [pick(digits, 1, 8) for _ in range(80)]
    found += [SPACES[i % len(SPACES)].join(r.choice(WORDS) for _ in range(4)) for i in range(2 * len(SPACES))]
    found += [pick(SPACES, 1, 6) + prompt(1, 2) + pick(SPACES, 1, 6) + prompt(1, 2) for _ in range(80)]
    found += ["".join(r.choice([*SPECIAL, " ", "  ", "x", prompt(1, 3)]) for _ in range(r.randint(2, 8))) for _ in range(150)]
    found += [pick([*map(chr, range(1, 128))], 1, 40) for _ in range(150)] + [pick([*map(chr, range(1, 256))], 1, 20) for _ in range(60)]
    found += [pick(letters, 1, 15) for _ in range(150)] + [pick(punctuation, 1, 10) for _ in range(80)]
    found += [pick(assigned_in(0x3000, 0xA000), 1, 25) for _ in range(60)] + [pick(assigned_in(0xAC00, 0xD7A4), 1, 12) for _ in range(40)]
    found += [pick(assigned_in(0x590, 0x900), 1, 20) for _ in range(60)] + [pick(bmp, 1, 12) for _ in range(200)]
    found += [pick(ASSIGNED, 1, 10) for _ in range(150)] + [any_plane() for _ in range(150)]
    found += [unicodedata.normalize("NFD", pick(bmp, 1, 8)) for _ in range(60)]
    new = [chr(c) for start, end in NEW for c in range(start, end + 1)]
    found += ["".join(r.choice(["a", "e\u0301", "x\u0323", "\u0345", "1", " ", *(r.choice(new) for _ in range(6))]) for _ in range(8)) for _ in range(200)]
    return found


def encode(tokenizer, texts: list[str], lengths: list[int]) -> list[list[int]]:
    """Ids as the Flux pipeline asks for them, without the padding; checks what the padding is."""
    out = []
    for text, length in zip(texts, lengths, strict=True):
        coded = tokenizer(text, padding="max_length", max_length=length, truncation=True)
        used = sum(coded.attention_mask)
        assert coded.input_ids[used:] == [tokenizer.pad_token_id] * (length - used)
        out.append(coded.input_ids[:used])
    return out


def variants(texts: list[str]) -> list[dict]:
    """Folders that say in other files, or otherwise, what their special tokens are; vocabularies are the bundled model's."""
    clip, t5 = ROOT / "models/tiny/tokenizer", ROOT / "models/tiny/tokenizer_2"
    token = lambda content, **flags: {"content": content, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False} | flags
    start, end = "<|startoftext|>", "<|endoftext|>"
    named = {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": end}
    listed = {"890": token(start, normalized=True, special=True), "891": token(end, normalized=True, special=True)}
    cases = [
        ("published FLUX.1", clip, {"tokenizer_config.json": named | {"added_tokens_decoder": listed}}, ["tokenizer.json", "special_tokens_map.json"]),
        ("objects in the map", clip, {"special_tokens_map.json": named | {"bos_token": token(start, normalized=True), "eos_token": token(end, normalized=True)}}, ["tokenizer.json"]),
        ("no configuration", clip, {}, ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]),
        ("tokenizer.json alone", clip, {}, ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"]),
        ("another pad token", clip, {"special_tokens_map.json": named | {"pad_token": "!"}}, ["tokenizer.json", "tokenizer_config.json"]),
        ("stripping", clip, {"tokenizer_config.json": named | {"added_tokens_decoder": {"890": token(start, lstrip=True, special=True), "891": token(end, rstrip=True, special=True)}}}, ["tokenizer.json", "special_tokens_map.json"]),
        ("single words", clip, {"tokenizer_config.json": named | {"added_tokens_decoder": {"890": token(start, single_word=True, special=True), "891": token(end, special=True)}}}, ["tokenizer.json", "special_tokens_map.json"]),
        ("T5 alone", t5, {}, ["tokenizer_config.json"]),
        ("T5 stripping", t5, {"tokenizer_config.json": {"extra_ids": 0, "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "added_tokens_decoder": {"0": token("<pad>", lstrip=True, rstrip=True, special=True), "1": token("</s>", rstrip=True, special=True), "2": token("<unk>", lstrip=True, special=True)}}}, []),
    ]  # fmt: skip
    out = []
    for name, base, files, without in cases:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(base, folder, dirs_exist_ok=True)
            for file in without:
                (Path(folder) / file).unlink()
            for file, body in files.items():
                (Path(folder) / file).write_text(json.dumps(body))
            kwargs = {"extra_ids": 0} if base == t5 else {}
            tokenizer = (CLIPTokenizer if base == clip else T5TokenizerFast).from_pretrained(folder, **kwargs)
            ids = encode(tokenizer, texts, [CLIP_LENGTH] * len(texts))
        kind = "clip" if base == clip else "t5"
        out.append({"name": name, "kind": kind, "files": files, "without": without, "padId": tokenizer.pad_token_id, "ids": ids})
    return out


def main() -> None:
    clip_folder, t5_folder = sys.argv[1:]
    texts = strings()
    clip_lengths = [CLIP_LENGTH] * len(texts)
    t5_lengths = [T5_LENGTHS[i % len(T5_LENGTHS)] for i in range(len(texts))]
    special = [i for i, text in enumerate(texts) if any(s in text.lower() for s in ("<|", "</s>", "<pad>", "<unk>"))]
    body = {
        "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
        "strings": texts,
        "t5Lengths": t5_lengths,
        "ids": {
            "clip": encode(CLIPTokenizer.from_pretrained(clip_folder), texts, clip_lengths),
            "t5": encode(T5TokenizerFast.from_pretrained(t5_folder), texts, t5_lengths),
            "tinyClip": encode(CLIPTokenizer.from_pretrained(ROOT / "models/tiny/tokenizer"), texts, clip_lengths),
            "tinyT5": encode(T5TokenizerFast.from_pretrained(ROOT / "models/tiny/tokenizer_2"), texts, t5_lengths),
        },
        "variantStrings": special,
        "variants": variants([texts[i] for i in special]),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    OUT.write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{len(texts)} strings, {len(special)} for variants, {len(data)} bytes, {OUT.stat().st_size} compressed")


main()
