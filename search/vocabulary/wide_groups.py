"""Synonym groups of the dictionary that join words a reader of calls would not call equal.

Numbers, calendar words and all-purpose verbs and nouns: in every second text, and so broad
that a match on them says nothing. Group numbers belong to the dictionary release that
`search.analysis.ANALYSIS_VERSION` names; the comment gives members of each.
"""

WIDE_GROUPS: frozenset[int] = frozenset(
    {
        23080,  # 使用 利用 活用 運用
        22583,  # 使う 使用 利用
        22107,  # 実施 実行 行う
        22515,  # 実行 行動
        22589,  # 行う 開催 開く
        22115,  # 変える 変わる 変更
        23213,  # 作る 作成
        1062,  # 動き 動作
        6925,  # いま 今 現在
        378,  # 開始 始まり スタート
        19073,  # 開始 スタート
        9729,  # 開始 着手
        14121,  # 最後 終わり
        20556,  # 最後
        13412,  # 完了 終了 済む
        14158,  # 関係 関わり 繋がり
        1425,  # 関係 コネクション
        737,  # 基本 基礎 基盤
        904,  # 決まり ルール 規制
        8178,  # 学習 研究 勉強
        32,  # 方法 手段 手口
        13767,  # 方法
        493,  # 割合
        14167,  # 家 家庭 ホーム
        14991,  # 人 人物
        681,  # 名前 氏名
        13529,  # 名前 名
        1111,  # 名前 名称
        14839,  # 場所
        24213,  # 場所 地点 スポット
        973,  # 例 事例 ケース
        1491,  # 違い 違う
        243,  # レベル 段階
        442,  # 時間 タイム
        481,  # 時間
        12033,  # 日
        12041,  # 日 日曜
        12040,  # 月曜
        15028,  # 週
        14143,  # 足す プラス
        24,  # 全て
        16,  # 買う 購入
        26006,  # 円
        17619,  # 1
        16438,  # 3
        17063,  # 4
        17040,  # 5
        16258,  # 6
        16470,  # 7
        16733,  # 9
        16629,  # 10
    }
)
