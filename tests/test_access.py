"""Who may do what: the table of rights, and the file that says who is what."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from leadlib.access import LOCAL, RIGHTS, ROLES, Access, People, load_people
from leadlib.config import load_settings
from leadlib.errors import SettingsError

PEOPLE = """
[teams]
marina = [90002, 90001, 90001]

[[person]]
email = "Owner@Example.com"
role = "owner"

[[person]]
email = "lead@example.com"
role = "manager"
team = "marina"

[[person]]
email = "agent@other.example"
role = "viewer"
agents = [90003]

[[person]]
domain = "example.com"
role = "viewer"
"""


def people(tmp_path: Path, text: str = PEOPLE) -> People:
    path = tmp_path / "people.toml"
    path.write_text(text, encoding="utf-8")
    return load_people(path)


def test_every_right_of_the_table_is_an_attribute_and_no_other_is_there() -> None:
    assert [right.name for right in RIGHTS] == [one.name for one in fields(Access) if not one.init]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_rights_that_the_table_gives_it(role: str) -> None:
    access = Access(role)  # type: ignore[arg-type]
    assert {right.name for right in RIGHTS if getattr(access, right.name)} == {
        right.name for right in RIGHTS if role in right.roles
    }


def test_rights_fall_from_owner_to_viewer_and_whoever_needs_no_sign_in_has_all() -> None:
    rights = [{right.name for right in RIGHTS if role in right.roles} for role in ("viewer", "manager", "owner")]
    assert rights[0] < rights[1] < rights[2] == {right.name for right in RIGHTS}
    assert LOCAL.role == "owner"
    assert LOCAL.agents is None


def test_an_address_counts_before_its_domain_whatever_its_case(tmp_path: Path) -> None:
    known = people(tmp_path)
    assert known.access_of("OWNER@example.COM") == Access("owner", "owner@example.com")
    assert known.access_of("lead@example.com") == Access("manager", "lead@example.com", (90001, 90002))
    assert known.access_of("anybody@example.com") == Access("viewer", "anybody@example.com")


@pytest.mark.parametrize(
    "address",
    [
        "x@sub.example.com",
        "x@notexample.com",
        "x@example.com.evil.test",
        "x@example.com@evil.test",
        "x@evil.test@example.com",
        "other@other.example",
        "example.com",
        "@example.com",
        "",
        "x@example.com ",
        "x@example.com\n",
        "owner@example\u3002com",
        "\u017fara@example.com",
        "x@e\u212aample.com",
    ],
)
def test_whoever_is_not_named_has_no_access(tmp_path: Path, address: str) -> None:
    assert people(tmp_path).access_of(address) is None


def test_keys_tell_scopes_and_roles_apart_and_name_nobody() -> None:
    accesses = [
        Access("viewer", "a@example.com"),
        Access("viewer", "a@example.com", (1,)),
        Access("viewer", "a@example.com", (1, 2)),
        Access("viewer", "a@example.com", (12,)),
        Access("manager", "a@example.com", (1,)),
    ]
    assert len({access.key for access in accesses}) == len(accesses)
    assert Access("viewer", "b@example.com", (2, 1, 1)).key == accesses[2].key
    assert all(re.fullmatch(r"[a-z]+-[a-z0-9]+", access.key) for access in accesses)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"a file with a \[\[person\]\] table or more"),
        ("person = 1", r"a file with a \[\[person\]\] table or more"),
        ('[[person]]\nemail = "secret@x.example"\nrole = ', "a TOML file of people; people.toml is none"),
        ('[[people]]\nemail = "a@x.example"', "without “people”"),
        ('[[person]]\nrole = "owner"', "person 1 needs either an “email” or a “domain”"),
        ('[[person]]\nemail = "a@x.example"\ndomain = "x.example"\nrole = "owner"', "either an “email” or a “domain”"),
        ('[[person]]\nemail = "x.example"\nrole = "owner"', "needs an “email” such as"),
        ('[[person]]\ndomain = "@x.example"\nrole = "owner"', "needs a “domain” such as"),
        ('[[person]]\ndomain = "gmail.com"\nrole = "viewer"', "where anybody can have an address"),
        ('[[person]]\nemail = "a@x.example"\nrole = "admin"', "“role” that is one of owner, manager, viewer"),
        ('[[person]]\nemail = "a@x.example"\nrole = "viewer"\nagent = 1', "not “agent”"),
        ('[[person]]\nemail = "a@x.example"\nrole = "viewer"\nagents = []', "“agents” as a list"),
        ('[[person]]\nemail = "a@x.example"\nrole = "viewer"\nagents = ["1"]', "“agents” as a list"),
        ('[[person]]\nemail = "a@x.example"\nrole = "viewer"\nagents = [true]', "“agents” as a list"),
        ('[[person]]\nemail = "a@x.example"\nrole = "viewer"\nteam = "b"', r"“team” that is in \[teams\]"),
        ('[[person]]\nemail = "a@x.example"\nrole = "owner"\nagents = [1]', "is an owner, who sees all leads"),
        ('[[person]]\nemail = "a@x.example"\nrole = "viewer"', "one of them an owner"),
        ("[teams]\na = 1\n[[person]]", "team “a” needs “agents” as a list"),
    ],
)
def test_a_mistake_in_the_file_is_named_and_no_address_with_it(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "people.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=f"LEADLIB_PEOPLE must be .*{says}") as refused:
        load_settings({"LEADLIB_PEOPLE": str(tmp_path / "people.toml")}, tmp_path)
    assert "@x.example" not in str(refused.value)


def test_one_address_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="person 5 is there a second time"):
        people(tmp_path, PEOPLE + '\n[[person]]\nemail = "owner@EXAMPLE.com"\nrole = "viewer"\n')


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings({"LEADLIB_PEOPLE": str(tmp_path / "nowhere.toml")}, tmp_path)
