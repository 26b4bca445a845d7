"""Token estimates that other tools get wrong: other scripts, base64 of PDFs and images."""

import base64
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import OfflineClaude
from labkit.attachments import IMAGE_TOKENS, PAGE_TOKENS, image_tokens, pdf_pages
from labkit.manager import production
from labkit.messages import History, Message, assistant, user
from labkit.tokens import estimate_tokens

CLIENT = OfflineClaude(log_limit=1).client(max_retries=0)
MODELS = ("claude-sonnet-4-6", "claude-opus-5-5")
TEXTS = {
    "English": "The train from Bergen was late because of snow, so we missed the ferry and had to stay at the inn.",
    "Japanese": "雪のためベルゲンからの列車が遅れ、私たちはフェリーに乗り遅れて宿に泊まりました。",
    "Chinese": "由于下雪、从卑尔根来的火车晚点了。所以我们错过了渡轮。只好在旅馆过夜、第二天早上才继续旅行。",
    "Korean": "눈 때문에 베르겐에서 오는 기차가 늦어서 우리는 배를 놓쳤고 여관에서 하룻밤을 묵어야 했습니다.",
    "Russian": "Поезд из Бергена опоздал из-за снега, поэтому мы не успели на паром и остались ночевать в гостинице.",
    "Arabic": "تأخر القطار القادم من بيرغن بسبب الثلوج ففاتتنا العبارة واضطررنا إلى المبيت في النزل حتى الصباح.",
    "Hindi": "बर्फ़ के कारण बर्गन से आने वाली ट्रेन देर से पहुँची, इसलिए हमारी नाव छूट गई और हमें सराय में रुकना पड़ा।",
    "Thai": "รถไฟจากเบอร์เกนมาถึงช้าเพราะหิมะ เราจึงพลาดเรือข้ามฟากและต้องพักที่โรงแรมจนถึงเช้า",
    "emoji": "🎉🔥 😀🚀 💯🙏 🌍🍕",
}


def counted(model: str, messages: History) -> int:
    """The far side's count."""
    return CLIENT.messages.count_tokens(model=model, messages=messages.wire()).input_tokens  # type: ignore[arg-type]


def talk(text: str, turns: int = 6) -> History:
    """A conversation in which everything is said in this language, and tools answer in it."""
    found: list[Message] = []
    for i in range(turns):
        call = {"type": "tool_use", "id": f"t{i}", "name": "look_up", "input": {"q": text}}
        answer = {"type": "tool_result", "tool_use_id": f"t{i}", "content": text}
        found += [user(f"{i} {text} {text}"), assistant([call]), user([answer]), assistant(f"{text} {text}")]
    return History([*found, user(text)])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", TEXTS)
def test_openclaw_103930_a_conversation_is_estimated_in_every_script(name: str, model: str) -> None:
    """Within 25% of the far side's count, tool calls included."""
    history = talk(TEXTS[name])
    real = counted(model, history)
    assert 0.8 * real <= estimate_tokens(history, model) <= 1.25 * real


@given(st.lists(st.sampled_from(sorted(TEXTS)), min_size=6, max_size=20), st.sampled_from(MODELS))
def test_scripts_may_be_mixed(names: list[str], model: str) -> None:
    """A conversation whose messages are in different scripts."""
    roles = (user, assistant)
    history = History(
        roles[i % 2](f"{TEXTS[name]} {TEXTS[name]}") for i, name in enumerate([*names, *names, "English"])
    )
    real = counted(model, history)
    assert 0.8 * real <= estimate_tokens(history, model) <= 1.25 * real


@pytest.mark.parametrize("name", ["English", "Japanese", "Arabic"])
def test_pi_2562_a_budget_in_tokens_holds_in_every_script(name: str) -> None:
    """The request keeps to the budget by the far side's count."""
    manager = production(2_000, client=CLIENT, messages=talk(TEXTS[name], 40)[:-1])
    manager.add_user_message("?")
    assert counted(manager.model, History(manager.get_messages())) <= 2_000 * 1.25


def pdf(pages: int, padding: int = 0, packed: bool = False) -> dict[str, Any]:
    """A PDF block of so many pages, made longer by a comment, its objects packed or not."""
    kids = " ".join(f"{3 + i} 0 R" for i in range(pages))
    leaves = "".join(f"{3 + i} 0 obj << /Type /Page /Parent 2 0 R >> endobj\n" for i in range(pages))
    body = f"%PDF-1.5\n2 0 obj << /Type /Pages /Kids [{kids}] /Count {pages} >> endobj\n".encode()
    if packed:
        body += b"9 0 obj << /Type /ObjStm >> stream\n" + zlib.compress(leaves.encode()) + b"\nendstream endobj\n"
    else:
        body += leaves.encode()
    body += b"%" + b"x" * padding + b"\n%%EOF"
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(body).decode()}
    return {"type": "document", "source": source}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("pages", "padding"), [(1, 0), (3, 600_000), (40, 10)])
def test_omniroute_10858_a_pdf_counts_by_its_pages(pages: int, padding: int, packed: bool) -> None:
    """Near and far, in a message and in a tool's result, however long the file is."""
    block = pdf(pages, padding, packed)
    result = {"type": "tool_result", "tool_use_id": "t", "content": [block]}
    call = {"type": "tool_use", "id": "t", "name": "read", "input": {}}
    for history in (History([user([block])]), History([user("go"), assistant([call]), user([result])])):
        for size in (estimate_tokens(history), counted(MODELS[0], history)):
            assert pages * PAGE_TOKENS <= size <= pages * PAGE_TOKENS + 100


def test_a_pdf_leaves_room_for_the_chat() -> None:
    """A file of a megabyte with three pages pushes nothing out of a budget of 20,000 tokens."""
    manager = production(20_000)
    for i in range(5):
        manager.add_user_message(f"Fact {i} is A-10{i}.")
        manager.add_assistant_message("Noted.")
    manager.add_user_message([pdf(3, 700_000), {"type": "text", "text": "What does it say?"}])
    assert len(manager.get_messages()) == 11


def image(head: bytes) -> dict[str, Any]:
    """An image block with these first bytes."""
    data = base64.b64encode(head + bytes(40)).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


HEADS = {
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (300).to_bytes(4) + (250).to_bytes(4),
    "GIF": b"GIF89a" + (300).to_bytes(2, "little") + (250).to_bytes(2, "little"),
    "JPEG": b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08" + (250).to_bytes(2) + (300).to_bytes(2) + b"\x03",
    "WebP": b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0" + (299).to_bytes(3, "little") + (249).to_bytes(3, "little"),
}


@pytest.mark.parametrize("kind", HEADS)
def test_an_image_counts_by_its_size(kind: str) -> None:
    """300 by 250 pixels are 100 tokens, near and far."""
    block = image(HEADS[kind])
    assert image_tokens(block) == 100
    assert 100 <= counted(MODELS[0], History([user([block])])) <= 120


def test_what_cannot_be_measured_counts_as_the_largest() -> None:
    """An address, a file of the platform, bytes of no known kind."""
    for source in ({"type": "url", "url": "https://x/y.png"}, {"type": "file", "file_id": "f"}, {}):
        assert image_tokens({"type": "image", "source": source}) == IMAGE_TOKENS
    assert image_tokens(image(b"nothing")) == IMAGE_TOKENS
    assert pdf_pages(b"no pdf") == 0
