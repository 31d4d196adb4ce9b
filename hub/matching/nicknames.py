"""Short forms of given names: Bob is Robert on another form."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

# the full form first; a short form may stand in several lines (Alex, Pat, Sam)
_FORMS = """
abigail abby gail
adelaide addie della
agnes aggie nessa
albert al bert bertie
alexander alex alec sandy sasha xander
alexandra alex lexi sandra sandy sasha
alfred al alf fred freddie
alice allie ally
allison allie ally ali
amanda mandy amy
andrea andie dea
andrew andy drew
angela angie
anna ann anne annie anya hannah nan nancy
anthony tony ant
antoinette toni nettie
archibald archie
arthur art artie
augustus gus august
barbara barb babs barbie bobbie
bartholomew bart barry
beatrice bea trixie
benjamin ben benji benny
bernard bernie barney
brian bryan bry
bridget bridie biddy
caroline carol carrie caro lynn
catherine cathy kate katie kathy kay kitty cat
katherine kathy kate katie kay kitty kat
charles charlie chuck chas carl
charlotte charlie lottie lotte
christina chris chrissy tina
christine chris chrissy tina
christopher chris kit topher
clarence clare
clifford cliff
constance connie
cornelius neil con
cynthia cindy
daniel dan danny
david dave davy
deborah deb debbie debra
dennis denny den
dominic dom nick
donald don donny
dorothy dot dottie dolly
douglas doug
edgar ed eddie
edward ed eddie ned ted teddy
edwin ed eddie
eleanor ellie nell nora lenore
elizabeth liz lizzie beth betty betsy eliza elsie lisa libby bess
emily em emmy millie
emma em emmy
eugene gene
evelyn eve evie
florence flo florrie
frances fran fanny francie
francis frank frankie fran
franklin frank
frederick fred freddie fritz rick
gabriel gabe
gabriella gabby ella
genevieve gen ginny
geoffrey geoff jeff
george georgie
gerald gerry jerry
gertrude gertie trudy
gilbert gil bert
gregory greg
gwendolyn gwen wendy
harold harry hal
harriet hattie
helen nell nellie ellen lena
henry harry hank hal
herbert herb bert
hilary hil
howard howie
hubert hugh bert
ignatius iggy nate
irene rene
isaac ike zac
isabella bella izzy isabel belle
jacob jake jack
jacqueline jackie
james jim jimmy jamie jem
janet jan
jane janie jenny
jasmine jas
jason jay
jeffrey jeff
jennifer jen jenny
jeremy jerry jem
jessica jess jessie
joan joanie
johanna jo hanna
john jack johnny jon
jonathan jon jonny nathan
joseph joe joey jo
josephine jo josie fina
joshua josh
joyce joy
judith judy
julia julie jules
julian jules
karen kari
kenneth ken kenny
kimberly kim
laura laurie lori
lawrence larry laurie
leonard len lenny leo
leonardo leo
leopold leo
lillian lil lily
lorraine lori
louis lou louie lewis
louise lou lulu
lucille lucy lu
luisa lou lu
madeline maddie
magdalena maggie lena magda
margaret maggie meg peg peggy margie marge greta daisy rita madge
maria mary marie mia ria
martha marty patty
martin marty
mary molly polly mamie may
matilda tilly mattie
matthew matt
maximilian max
maxwell max
megan meg
melanie mel
melissa mel lissa missy
michael mike mick mickey mikey misha
michelle shelly mickey
mildred millie
miranda mira randy
mohammed mohamed muhammad mohammad mo
montgomery monty
nancy nan
natalie nat
nathan nate nat
nathaniel nate nat
nicholas nick nicky klaus
nicole nicky nikki
norman norm
oliver ollie
olivia liv livvy
oscar ozzie
pamela pam
patricia pat patty trish tricia
patrick pat paddy rick
paul paulie pablo
penelope penny
peter pete pietro
philip phil pip
phillip phil pip
priscilla cilla
rachel rae shelly
randolph randy rand
raymond ray
rebecca becky becca
regina gina reggie
reginald reg reggie
richard dick rick ricky rich richie
robert bob bobby rob robbie bert
roberta bobbie robbie berta
roderick rod rick
rodney rod
roger rodge
roland rollo
ronald ron ronnie
rosalind ros rosie
rosemary rose rosie romy
rudolph rudy
russell russ rusty
ruth ruthie
samantha sam sammy
samuel sam sammy
sarah sally sadie sara
sebastian seb bastian
serena rena
sharon shari
sheldon shelly
sidney sid
simon si
sophia sophie sofia
stanley stan
stephanie steph stevie
stephen steve stevie
steven steve stevie
stuart stu stewart
susan sue susie suzy
susanna sue susie suzanne
sylvia syl
tamara tammy
teresa terry tess tessa
terence terry
thaddeus thad ted
theodora dora thea
theodore ted teddy theo
theresa terry tess tessa
thomas tom tommy
timothy tim timmy
tobias toby
ursula ursa
valentina val tina
valerie val
vanessa nessa
veronica ronnie vera
victor vic
victoria vicky tori vic
vincent vince vinny
virginia ginny ginger
vivian viv
walter walt wally
wesley wes
wilhelmina mina billie
william bill billy will willie liam
winifred winnie freda
winston win
yvonne vonnie
zachary zach zack
"""


def full_forms(name: str) -> frozenset[str]:
    """The names that `name`, in lower case, may be short for; itself where none is known."""
    return _known().get(name, frozenset((name,)))


def are_forms(one: str, other: str) -> bool:
    """Whether two given names may be forms of one."""
    return bool(full_forms(one) & full_forms(other))


@cache
def _known() -> MappingProxyType[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _FORMS.split("\n"):
        full, *short = line.split() or [""]
        for name in (full, *short):
            found.setdefault(name, set()).add(full)
    found.pop("", None)
    return MappingProxyType({name: frozenset(full) for name, full in found.items()})
