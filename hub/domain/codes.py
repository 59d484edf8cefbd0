"""Codes of the public register and their check digits."""

import re

from hub.domain.errors import refuse
from hub.domain.inputs import fold
from hub.i18n import N_


def municipality_check_digit(code5: str) -> str:
    """The sixth digit of a local-body code: 11 less the weighted sum modulo 11, last digit.

    The weights are 6, 5, 4, 3, 2 (Ministry of Internal Affairs, 全国地方公共団体コード).
    Raises ValueError unless `code5` is five ASCII digits.
    """
    weighted = sum(
        int(digit) * weight
        for digit, weight in zip(_digits(code5, 5), range(6, 1, -1), strict=True)
    )
    return str((11 - weighted % 11) % 10)


def valid_municipality_code(code6: str) -> bool:
    """Whether six digits are a prefecture 01 to 47, a body and the right check digit."""
    if not re.fullmatch("[0-9]{6}", code6) or not "01" <= code6[:2] <= "47":
        return False
    return municipality_check_digit(code6[:5]) == code6[5]


def corporate_number_check_digit(base12: str) -> str:
    """The digit in front of the twelve base digits of a 法人番号: 9 less a sum modulo 9.

    Counted from the right, odd places weigh 1 and even places 2 (ordinance on 法人番号, art. 2).
    Raises ValueError unless `base12` is twelve ASCII digits.
    """
    backwards = reversed(_digits(base12, 12))
    weighted = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(backwards))
    return str(9 - weighted % 9)


def municipality_corporate_number(code6: str) -> str:
    """The 法人番号 of a local body: its six-digit code behind 000020 and the check digit."""
    base = f"000020{_digits(code6, 6)}"
    return corporate_number_check_digit(base) + base


def parse_corporate_number(text: str, field: str = "corporate_number") -> str:
    """Thirteen digits from any width, with spaces, dashes, 法人番号 or T in front.

    Refuses with the check that failed: nothing typed, other characters, the count, the check digit.
    """
    number = re.sub("[- .:]", "", fold(text))
    number = re.sub("^(?:法人番号|登録番号)?t?", "", number)
    if not number:
        raise refuse(field, N_("「法人番号」を入力してください"))
    if odd := re.sub("[0-9]", "", number):
        message = N_("法人番号は数字13桁です。「%(odd)s」を消してください")
        raise refuse(field, message, odd=odd[:10])
    if len(number) != 13:
        message = N_("法人番号の数字が%(count)d桁です。13桁で入力してください")
        raise refuse(field, message, count=len(number))
    if corporate_number_check_digit(number[1:]) != number[0]:
        message = N_("法人番号の検査数字が合いません。打ち間違いがないか確かめてください")
        raise refuse(field, message)
    return number


def _digits(text: str, count: int) -> str:
    if not re.fullmatch(f"[0-9]{{{count}}}", text):
        raise ValueError(f"not {count} digits: {text!r}")
    return text


def is_public_body_number(number: str) -> bool:
    """Whether a corporate number is a local body's: its base is `000020` and the body's code."""
    return number[1:7] == "000020"
