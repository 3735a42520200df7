"""Contact methods over the API: asking, the code that confirms, and guessing it."""

from typing import Any

import pytest
from house import House

CHANNELS = "post: {type: slack, auth: {bot_token: {env: DOOR_SECRET}}}"


@pytest.fixture
async def post(build: Any) -> House:
    return await build(channels=CHANNELS, notify="[{after: 0m, via: [post]}]")


async def asked(house: House) -> Any:
    status, document = await house.api("POST", "/contacts/asha/verify", json={})
    assert status == 202, document
    (page,) = document["pages"]
    return house.engine.state.pages[page]


async def state(house: House) -> str:
    _, document = await house.api("GET", "/contacts?person=asha")
    assert document["schema"] == "irpd.contacts/1"
    (one,) = document["contacts"]
    assert one["channel"] == "post"
    return str(one["state"])


async def test_who_types_the_code_of_the_message_has_confirmed_the_address(post: House) -> None:
    assert await state(post) == "unverified"
    page = await asked(post)
    assert await state(post) == "asked"
    code = post.links.digits(page)
    status, document = await post.api(
        "POST", "/contacts/confirm?as=asha", json={"code": f"{code[:3]} {code[3:]}"}
    )
    assert (status, document["channel"]) == (200, "post")
    assert await state(post) == "verified"
    status, _ = await post.api("POST", "/contacts/confirm?as=asha", json={"code": code})
    assert status == 404, "it has done what it was for"


async def test_who_presses_the_link_has_confirmed_it_too_and_a_look_confirms_nothing(post: House) -> None:
    page = await asked(post)
    looked = await (await post.tcp.get(post.link(page))).text()
    assert "Did this reach you" in looked
    assert await state(post) == "asked"
    answer = await (await post.tcp.post(post.link(page))).text()
    assert "Confirmed" in answer
    assert await state(post) == "verified"


async def test_codes_are_not_to_be_guessed(post: House) -> None:
    page = await asked(post)
    code = post.links.digits(page)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(5):
        assert (await post.api("POST", "/contacts/confirm?as=asha", json={"code": wrong}))[0] == 404
    status, problem = await post.api("POST", "/contacts/confirm?as=asha", json={"code": code})
    assert (status, problem["code"]) == (409, "state"), "not even the right one is taken now"
    post.clock.step(minutes=11)
    assert (await post.api("POST", "/contacts/confirm?as=asha", json={"code": code}))[0] == 200


async def test_a_code_is_its_persons_and_ends_after_a_day(post: House) -> None:
    page = await asked(post)
    code = post.links.digits(page)
    assert (await post.api("POST", "/contacts/confirm?as=ben", json={"code": code}))[0] == 404
    assert (await post.api("POST", "/contacts/confirm", json={"code": code}))[0] == 422
    post.clock.step(hours=25)
    assert (await post.api("POST", "/contacts/confirm?as=asha", json={"code": code}))[0] == 404


@pytest.mark.parametrize("code", ["", "x", "482915" * 1000, "４８２９１５", "\udc80"])
async def test_what_is_no_code_is_not_found(post: House, code: str) -> None:
    await asked(post)
    status, _ = await post.api("POST", "/contacts/confirm?as=asha", json={"code": code})
    assert status in (404, 422)


async def test_whom_there_is_not_is_said_with_who_there_is(post: House) -> None:
    status, problem = await post.api("POST", "/contacts/ashs/verify", json={})
    assert (status, "did you mean asha?" in problem["detail"]) == (404, True)
    assert (await post.api("GET", "/contacts?person=nobody"))[0] == 404
